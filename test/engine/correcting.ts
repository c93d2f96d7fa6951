import type { View } from '../../src/define/index.ts';
import type { CorrectionOutcome, Engine, EventInput, LabelStatus, RetractStatus } from '../../src/engine/index.ts';
import { valuesOf } from './expectations.ts';
import { payment } from './payments.ts';

/** What tests of labels and retractions have in common: payments of which something comes to be known later. */

export const start = Date.UTC(2024, 0, 1);
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

/** Records payments one by one. */
export async function recorded(engine: Engine, payments: readonly EventInput[]): Promise<readonly EventInput[]> {
  for (const one of payments) await engine.record(payment, [one]);
  return payments;
}

/** What a view says of an entity now, by the names of its features. */
export async function valuesFor(engine: Engine, view: View, id = 'ada') {
  const [vector] = await engine.read(view, [id]);
  return vector && valuesOf(vector);
}

/** What a label tells beside what the payment told. */
export function verdictOn({ paymentId, userId, shopId, paidAt }: EventInput, fraud = true): EventInput {
  return { paymentId, userId, shopId, paidAt, fraud };
}

export function label(
  engine: Engine,
  one: EventInput | undefined,
  fraud = true,
): Promise<CorrectionOutcome<LabelStatus>> {
  return engine.label(payment, verdictOn(one as EventInput, fraud));
}

/** Takes a payment out again; of what is told of it, some may be otherwise. */
export function retract(
  engine: Engine,
  one: EventInput | undefined,
  other: EventInput = {},
): Promise<CorrectionOutcome<RetractStatus>> {
  const { paymentId, userId, shopId, paidAt, amount } = one as EventInput;
  return engine.retract(payment, ['amount'], { paymentId, userId, shopId, paidAt, amount, ...other });
}
