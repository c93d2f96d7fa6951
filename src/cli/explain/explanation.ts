import { type DerivedFeature, derivedSignature, describeWhere, describeWindow, type View } from '../../define/index.ts';
import {
  type Certainty,
  type Clock,
  derivedValue,
  type EpochMs,
  type InspectedFeature,
  type InspectedKey,
  type Inspection,
  type Inspector,
  type LogComposition,
  servedCertainty,
  servedValues,
} from '../../engine/index.ts';
import { type PlainValue, plainBound, plainValue } from '../plain-values.ts';
import type { Asked } from './names.ts';

/** What is behind the values of an entity in one view. Moments are in milliseconds since 1970. */
export interface Explanation {
  readonly entity: string;
  readonly id: string;
  readonly view: string;
  readonly version: number;
  readonly clock: Clock;
  /** Whether anything is stored of it, but for what may be left over among the keys. */
  readonly stored: boolean;
  /** The entity's now; null: nothing is stored, and it was not asked. */
  readonly now: EpochMs | null;
  readonly vector: StoredVector | null;
  readonly features: readonly FeatureExplanation[];
  readonly keys: readonly InspectedKey[];
  readonly log: LogComposition | null;
}

export interface StoredVector {
  readonly asOf: EpochMs;
  readonly validUntil: EpochMs | null;
  /** Whether now is past `validUntil`, so that the next read folds the log anew. */
  readonly outdated: boolean;
  readonly revision: number;
  readonly eventSeq: number;
  readonly lastEventAt: EpochMs | null;
  readonly completeSince: EpochMs;
}

export interface FeatureExplanation {
  readonly name: string;
  readonly hashField: string | null;
  /** The aggregation; `ratio` or `derived` of one that is computed when it is read. */
  readonly kind: string;
  readonly field: string | null;
  readonly window: string | null;
  readonly where: string | null;
  readonly description: string;
  /** What a reader is served now. */
  readonly value: PlainValue;
  /** What is stored; of a derived one nothing is. */
  readonly storedValue: PlainValue;
  /** What comes of folding all cells anew at this moment, which must come to the same as what is served. */
  readonly foldedValue: PlainValue;
  readonly agrees: boolean;
  readonly method: Certainty['method'] | null;
  /** Between these is the truth; of a list, how many values it should hold. */
  readonly lower: PlainValue;
  readonly upper: PlainValue;
  /** What it is made of: more of it if this one was asked for alone. */
  readonly madeOf: InspectedFeature | null;
  /** Its values at the next moves, if nothing else comes until then. */
  readonly upcoming: readonly { readonly at: EpochMs; readonly value: PlainValue }[];
  /** Of a derived one: the features that it is computed from. */
  readonly from: readonly FeatureExplanation[];
}

/**
 * Explains what is asked of an entity, in the order asked.
 * @throws InvalidIdError, UnavailableError, LogFaultError, IncompatibleStoreError
 */
export async function explain(inspector: Inspector, asked: readonly Asked[], id: string): Promise<Explanation[]> {
  const clock = inspector.clock ?? 'wall';
  const explanations: Explanation[] = [];
  for (const { view, feature } of asked) {
    const inspection = await inspector.inspect(view, id, typeof feature === 'number' ? feature : undefined);
    explanations.push({
      ...{ entity: view.entity.name, id, view: view.name, version: view.version, clock },
      ...(inspection ? found({ view, feature }, inspection) : nothing),
    });
  }
  return explanations;
}

type Found = Omit<Explanation, 'entity' | 'id' | 'view' | 'version' | 'clock'>;

const nothing: Found = { stored: false, now: null, vector: null, features: [], keys: [], log: null };

function found({ view, feature }: Asked, inspection: Inspection): Found {
  const { vector, now, stored, keys, log } = inspection;
  const { asOf, validUntil, revision, eventSeq, lastEventAt, completeSince } = vector;
  const outdated = validUntil !== null && now >= validUntil;
  const positions = typeof feature === 'number' ? [feature] : view.features.map((_, position) => position);
  const features = positions.map((position, place) => storedFeature(view, position, place, inspection, outdated));
  const derived = view.derived
    .filter((one) => feature === null || feature === one)
    .map((one) => derivedFeature(one, features, inspection, outdated));
  return {
    ...{ stored, now, keys, log: stored ? log : null },
    vector: stored ? { asOf, validUntil, outdated, revision, eventSeq, lastEventAt, completeSince } : null,
    features: feature === null || typeof feature === 'number' ? [...features, ...derived] : derived,
  };
}

/** @param place of the feature among those that were inspected. */
function storedFeature(
  view: View,
  position: number,
  place: number,
  inspection: Inspection,
  outdated: boolean,
): FeatureExplanation {
  const { vector, current, now, features, upcoming } = inspection;
  const { name, hashField, aggregation, description } = view.features[position] as View['features'][number];
  // Until it is outdated, a vector holds at every moment: what grows as time goes by is told as of now.
  const stored = servedValues(outdated ? vector : { ...vector, asOf: now })[position] ?? Number.NaN;
  const folded = servedValues(current)[position] ?? Number.NaN;
  const certainty = servedCertainty(current, position);
  return {
    name,
    hashField,
    kind: aggregation.kind,
    field: aggregation.field ?? null,
    window: describeWindow(aggregation),
    where: aggregation.where ? describeWhere(aggregation.where) : null,
    description,
    value: plainValue(view, position, outdated ? folded : stored),
    storedValue: plainValue(view, position, stored),
    foldedValue: plainValue(view, position, folded),
    agrees: outdated || isSame(stored, folded) || isWithin(stored, certainty),
    method: certainty.method,
    lower: plainBound(view, position, certainty.lower),
    upper: plainBound(view, position, certainty.upper),
    madeOf: features[place] ?? null,
    upcoming: upcoming.map((then) => ({
      at: then.asOf,
      value: plainValue(view, position, servedValues(then)[position] ?? Number.NaN),
    })),
    from: [],
  };
}

function derivedFeature(
  derived: DerivedFeature,
  features: readonly FeatureExplanation[],
  { vector, current, now }: Inspection,
  outdated: boolean,
): FeatureExplanation {
  const stored = derivedValue(outdated ? vector : { ...vector, asOf: now }, derived);
  const folded = derivedValue(current, derived);
  const names = derived.ratio ?? namesIn(derivedSignature(derived), features);
  return {
    name: derived.name,
    hashField: null,
    kind: derived.ratio ? 'ratio' : 'derived',
    field: null,
    window: null,
    where: null,
    description: derived.ratio
      ? derived.description
      : derivedSignature(derived).replace(/^derived /, 'Computed when it is read: '),
    value: outdated ? folded : stored,
    storedValue: null,
    foldedValue: folded,
    agrees: true,
    method: null,
    lower: null,
    upper: null,
    madeOf: null,
    upcoming: [],
    from: features.filter(({ name }) => names.includes(name)),
  };
}

/** The features that a derivation's source names. */
function namesIn(source: string, features: readonly FeatureExplanation[]): string[] {
  const words = new Set(source.match(/\w+/g));
  return features.map(({ name }) => name).filter((name) => words.has(name));
}

/** Running aggregates and a fold of the same events differ in their last digits. */
const digits = 1e-9;

function isSame(one: number | readonly number[], other: number | readonly number[]): boolean {
  if (typeof one === 'number' && typeof other === 'number') {
    return Object.is(one, other) || Math.abs(one - other) <= digits * Math.max(Math.abs(one), Math.abs(other));
  }
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Of what is an estimate there may be several. */
function isWithin(value: number | readonly number[], { method, lower, upper }: Certainty): boolean {
  return method !== 'EXACT' && typeof value === 'number' && value >= lower && value <= upper;
}
