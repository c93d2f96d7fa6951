import { closedLoop, learn } from './closed-loop.ts';
import { openLoop } from './open-loop.ts';
import type { Answered, Answers, Order } from './orders.ts';
import { Stamps, Target } from './target.ts';

/** The load's own process: it does what it is ordered, one after the other, and ends with whoever started it. */
const targets = new Map<string, Target>();
const stamps = new Stamps();

process.on('message', (order: Order) => {
  carryOut(order).then(
    (answered) => process.send?.(answered),
    (error: unknown) => process.send?.({ failure: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit());

async function carryOut(order: Order): Promise<Answered<keyof Answers>> {
  if (order.kind === 'target') targets.set(order.name, new Target(order.port, order.requests, stamps));
  const target = targets.get(order.name);
  if (!target) throw new Error(`there is no target ${order.name}`);
  const answer = await answerOf(order, target);
  const { wrongCount, wrong, events } = target;
  return { answer, wrongCount, wrong, events };
}

async function answerOf(order: Order, target: Target): Promise<Answers[keyof Answers]> {
  switch (order.kind) {
    case 'target':
      return null;
    case 'learn':
      return learn(target, order.connections, order.requests);
    case 'closed':
      return closedLoop(target, order);
    case 'open':
      return openLoop(target, order);
  }
}
