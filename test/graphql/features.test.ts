import { expect, test } from 'vitest';
import {
  count,
  entity,
  event,
  first,
  last,
  lastN,
  rate,
  ratio,
  share,
  sum,
  timeSinceLast,
  view,
} from '../../src/define/index.ts';
import { newBuilder } from './deployments.ts';
import { faults, Service } from './service.ts';

const device = entity('Device', { description: 'A device.' });
const reading = event('Reading', {
  description: 'What a device measured.',
  id: 'readingId',
  time: 'at',
  fields: {
    readingId: { type: 'id', description: 'Its id.' },
    deviceId: { type: 'id', description: 'The device.' },
    celsius: { type: 'number', optional: true, description: 'How warm it was.' },
    alarm: { type: 'boolean', optional: true, description: 'Whether it raised an alarm.' },
    checkedAt: { type: 'time', optional: true, description: 'When it was last checked.' },
    at: { type: 'time', description: 'When.' },
  },
});
const climate = view('device_climate', {
  version: 3,
  entity: device,
  from: reading,
  by: 'deviceId',
  description: 'How warm it is around a device.',
  features: {
    count1h: count({ window: '1h' }),
    hot1h: count({ window: '1h', where: { celsius: { gte: 30 } } }),
    sum1h: sum('celsius', { window: '1h' }),
    alarms1h: share('alarm', { window: '1h' }),
    lastCelsius: last('celsius', { window: '1h' }),
    lastAlarm: last('alarm', { window: '1h' }),
    lastCheckedAt: last('checkedAt', { window: '1h' }),
    firstCelsius: first('celsius', { window: '1h' }),
    lastCelsii: lastN('celsius', { n: 100, window: '1h' }),
    lastAlarms: lastN('alarm', { n: 2, window: '1h' }),
    lastReadAt: lastN('at', { n: 1, window: '1h' }),
    perSecond1h: rate({ window: '1h' }),
    sinceLast: timeSinceLast({ window: '1h' }),
  },
  derived: {
    hotShare: (f) => f.hot1h / f.count1h,
    hotter: (f) => f.lastCelsius + 1,
    hotRatio: ratio('hot1h', 'count1h'),
    minutes: (f) => f.sinceLast / 60,
    warmest: (f) => Math.max(...f.lastCelsii),
    faulty: () => {
      throw new Error('a bug');
    },
  },
});

/** The team's own: a type that leads to an entity, and fields of an entity that are no features. */
async function openPlant(): Promise<Service> {
  const builder = newBuilder();
  const deviceType = builder.entityType(device, {
    fields: (t) => ({
      climateSeries: t.featureViewSeries(climate),
      climate: t.featureView(climate),
      label: t.string({ authScopes: { known: true }, resolve: ({ id }) => `device ${id}` }),
    }),
  });
  const room = builder.objectRef<{ readonly deviceIds: readonly string[] }>('Room').implement({
    fields: (t) => ({
      devices: t.field({ type: [deviceType], resolve: ({ deviceIds }) => deviceIds.map((id) => ({ id })) }),
    }),
  });
  builder.queryFields((t) => ({
    device: t.entity(device),
    devices: t.entities(device),
    room: t.field({ authScopes: { known: true }, type: room, resolve: () => ({ deviceIds: ['a', 'b'] }) }),
    catalogue: t.featureViews(),
  }));
  builder.mutationType({
    fields: (t) => ({ recordReading: t.record(reading), recordReadings: t.recordMany(reading) }),
  });
  return Service.open(builder.toSchema({ views: [climate] }), [climate]);
}

interface ClimateOf {
  readonly climate: { readonly freshness: { readonly asOf: string } };
}

const climateOf = `climate {
  id count1h hot1h sum1h alarms1h lastCelsius lastAlarm lastCheckedAt hotShare hotter
  firstCelsius lastCelsii lastAlarms lastReadAt perSecond1h sinceLast hotRatio minutes warmest freshness { asOf }
}`;

test('features have the type and value of what they aggregate', async () => {
  const service = await openPlant();
  const now = Date.now();
  const input = [
    { readingId: '1', deviceId: 'a', celsius: 35, alarm: true, at: now - 3_000 },
    { readingId: '2', deviceId: 'a', celsius: 20, alarm: false, checkedAt: now - 60_000, at: now - 2_000 },
    { readingId: '3', deviceId: 'a', at: now - 1_000 },
  ].map((one) => ({
    ...one,
    at: new Date(one.at).toISOString(),
    checkedAt: one.checkedAt === undefined ? null : new Date(one.checkedAt).toISOString(),
  }));
  const { data, errors } = await service.run(
    `mutation ($input: [ReadingInput!]!) { recordReadings(input: $input) { recorded results { readingId at device { ${climateOf} } } } }`,
    { input },
  );
  expect(errors).toBeUndefined();
  const recorded = data?.recordReadings as { results: { device: ClimateOf }[] } | undefined;
  const asOf = recorded?.results[0]?.device.climate.freshness.asOf ?? '';
  const seconds = (Date.parse(asOf) - now + 1_000) / 1_000;
  expect(seconds).toBeGreaterThanOrEqual(1);
  const device = {
    climate: {
      id: 'device_climate:v3:a',
      count1h: 3,
      hot1h: 1,
      sum1h: 55,
      alarms1h: expect.closeTo(1 / 3, 12),
      lastCelsius: 20,
      lastAlarm: false,
      lastCheckedAt: new Date(now - 60_000).toISOString(),
      hotShare: expect.closeTo(1 / 3, 12),
      hotter: 21,
      firstCelsius: 35,
      lastCelsii: [20, 35],
      lastAlarms: [false, true],
      lastReadAt: [new Date(now - 1_000).toISOString()],
      perSecond1h: 3 / 3_600,
      sinceLast: seconds,
      hotRatio: 1 / 3,
      minutes: seconds / 60,
      warmest: 35,
      freshness: expect.anything(),
    },
  };
  expect(data).toEqual({
    recordReadings: { recorded: 3, results: input.map(({ readingId, at }) => ({ readingId, at, device })) },
  });
});

test('of nothing, what is not a number is null, derived or not', async () => {
  const service = await openPlant();
  expect(await service.run(`{ device(id: "b") { ${climateOf} } }`)).toEqual({
    data: {
      device: {
        climate: {
          id: 'device_climate:v3:b',
          count1h: 0,
          hot1h: 0,
          sum1h: 0,
          alarms1h: null,
          lastCelsius: null,
          lastAlarm: null,
          lastCheckedAt: null,
          hotShare: null,
          hotter: null,
          firstCelsius: null,
          lastCelsii: [],
          lastAlarms: [],
          lastReadAt: [],
          perSecond1h: 0,
          sinceLast: null,
          hotRatio: null,
          minutes: null,
          warmest: null,
          freshness: expect.anything(),
        },
      },
    },
  });
});

test('accuracy is told as the values are: in seconds since, and of a list how long it should be', async () => {
  const service = await openPlant();
  const at = (await service.now()) - 1_000;
  const readings = [1, 2, 3].map((n) => ({ readingId: `${n}`, deviceId: 'a', celsius: n, at: at - 1_000 * n }));
  await service.engine.record(reading, readings);
  const asked = `sinceLast lastCelsii
    accuracy(features: [sinceLast lastCelsii lastAlarms]) { feature exact lower upper method }`;
  const { data, errors } = await service.run(
    `query ($asOf: DateTime!) { device(id: "a") { now: climate { ${asked} } then: climate(asOf: $asOf) { ${asked} } } }`,
    { asOf: new Date(at).toISOString() },
  );
  expect(errors).toBeUndefined();
  type Asked = { sinceLast: number; lastCelsii: number[]; accuracy: unknown };
  const { now, then } = (data as { device: { now: Asked; then: Asked } }).device;
  expect(then.sinceLast).toBe(1);
  expect(now.sinceLast).toBeGreaterThanOrEqual(2);
  for (const { sinceLast, lastCelsii, accuracy } of [now, then]) {
    expect(lastCelsii).toEqual([1, 2, 3]);
    const exactly = (feature: string, value: number) => {
      return { feature, exact: true, lower: value, upper: value, method: 'EXACT' };
    };
    expect(accuracy).toEqual([exactly('sinceLast', sinceLast), exactly('lastCelsii', 3), exactly('lastAlarms', 0)]);
  }
});

test('a derivation that throws fails alone, at its own path', async () => {
  const service = await openPlant();
  const result = await service.run('{ device(id: "a") { climate { count1h faulty } } }');
  expect(result.data).toEqual({ device: { climate: { count1h: 0, faulty: null } } });
  expect(faults(result).map(({ path }) => path)).toEqual(['device.climate.faulty']);
});

test('a team’s own types lead to entities, whose views come in one batch', async () => {
  const service = await openPlant();
  expect(await service.run('{ room { devices { id label climate { count1h } } } }')).toEqual({
    data: {
      room: {
        devices: ['a', 'b'].map((id) => ({ id, label: `device ${id}`, climate: { count1h: 0 } })),
      },
    },
  });
});

test('the catalogue tells stored features from derived ones', async () => {
  const service = await openPlant();
  const { data } = await service.run(
    '{ catalogue { fieldPath features { name hashField type nullable stored aggregation where } } }',
  );
  const plants = data?.catalogue as { fieldPath: string; features: { name: string }[] }[] | undefined;
  const plant = plants?.[0];
  expect(plant?.fieldPath).toBe('Device.climate');
  const feature = (name: string) => plant?.features.find((one) => one.name === name);
  expect(feature('hot1h')).toMatchObject({ hashField: 'hot_1h', stored: true, where: 'celsius ≥ 30' });
  expect(feature('lastAlarm')).toMatchObject({ type: 'Boolean', aggregation: 'last' });
  expect(feature('hotShare')).toMatchObject({ hashField: null, type: 'Float', stored: false, aggregation: 'derived' });
  expect(feature('hotRatio')).toMatchObject({ hashField: null, type: 'Float', stored: false, aggregation: 'ratio' });
  expect(feature('lastCelsii')).toMatchObject({ type: '[Float!]', nullable: false, aggregation: 'lastN' });
  expect(feature('sinceLast')).toMatchObject({ hashField: 'since_last', nullable: true, aggregation: 'timeSinceLast' });
});

test('lists are never null, and hold none', async () => {
  const service = await openPlant();
  const { data } = await service.run(
    '{ __type(name: "DeviceClimate") { fields { name type { kind ofType { kind ofType { kind ofType { name } } } } } } }',
  );
  const climateType = data?.__type as { fields: { name: string; type: unknown }[] } | undefined;
  const list = (name: string) => ({
    kind: 'NON_NULL',
    ofType: { kind: 'LIST', ofType: { kind: 'NON_NULL', ofType: { name } } },
  });
  const typeOf = (name: string) => climateType?.fields.find((field) => field.name === name)?.type;
  expect(typeOf('lastCelsii')).toEqual(list('Float'));
  expect(typeOf('lastAlarms')).toEqual(list('Boolean'));
  expect(typeOf('lastReadAt')).toEqual(list('DateTime'));
});

test('each value that a list may have counts towards what one query may ask for', async () => {
  const service = await openPlant();
  const ids = Array.from({ length: 1_000 }, (_, i) => `d${i}`);
  const climates = (lists: number) => {
    const aliases = Array.from({ length: lists }, (_, i) => `list${i}: lastCelsii`);
    return `query ($ids: [ID!]!) { devices(ids: $ids) { climate { ${aliases.join(' ')} } } }`;
  };
  expect((await service.run(climates(1), { ids })).errors).toBeUndefined();
  const { errors } = await service.run(climates(2), { ids });
  expect(errors?.[0]?.message).toBe('The query asks for 202000 values: the limit is 200000; ask in parts');
});
