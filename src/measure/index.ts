export { CallTimes } from './call-times.ts';
export { durationBounds, Histogram, sizeBounds } from './histogram.ts';
