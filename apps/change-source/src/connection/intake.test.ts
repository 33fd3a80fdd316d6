import { describe, expect, test } from 'vitest';

import { type EncodedTransaction, INTAKE, Intake } from './intake.js';

const transaction = (position: string, ...messages: string[]): EncodedTransaction => ({ position, messages });
const positionsOf = (taken: Awaited<ReturnType<Intake['take']>>) =>
    taken?.kind === 'changes' ? taken.transactions.map(({ position }) => position) : taken;

/** A source that is fed by hand, and knows how much was taken from it. */
class Feed implements AsyncIterable<EncodedTransaction> {
    taken = 0;
    readonly #items: (EncodedTransaction | Error)[] = [];
    #wake: (() => void) | undefined;

    give(...items: (EncodedTransaction | Error)[]): void {
        this.#items.push(...items);
        this.#wake?.();
    }

    async *[Symbol.asyncIterator](): AsyncGenerator<EncodedTransaction, void, undefined> {
        for (;;) {
            const item = this.#items.shift();
            if (item instanceof Error) {
                throw item;
            }
            if (item === undefined) {
                await new Promise<void>(resolve => (this.#wake = resolve));
            } else {
                this.taken += 1;
                yield item;
            }
        }
    }
}

const settled = () => new Promise(resolve => setImmediate(resolve));

describe('the intake', () => {
    test('gives what has come since the last time, in order', async () => {
        const feed = new Feed();
        const intake = new Intake(feed);
        const first = intake.take();
        feed.give(transaction('1', 'a'));
        expect(positionsOf(await first)).toEqual(['1']);
        feed.give(transaction('2', 'a'), transaction('3', 'a'));
        await settled();
        expect(positionsOf(await intake.take())).toEqual(['2', '3']);
        intake.close();
    });

    test.each([
        ['transactions', { ...INTAKE, maxTransactions: 3 }],
        ['characters', { ...INTAKE, maxSize: 30 }]
    ])('takes no more than so many %s ahead', async (_, options) => {
        const feed = new Feed();
        const intake = new Intake(feed, options);
        feed.give(...Array.from({ length: 10 }, (_item, index) => transaction(String(index), 'x'.repeat(10))));
        await settled();
        expect(feed.taken).toBe(3);
        expect(positionsOf(await intake.take())).toEqual(['0', '1', '2']);
        await settled();
        expect(feed.taken).toBe(6);
        intake.close();
    });

    test('throws what the source throws, after all that came before', async () => {
        const feed = new Feed();
        const intake = new Intake(feed);
        feed.give(transaction('1', 'a'), new Error('broken'));
        await settled();
        expect(positionsOf(await intake.take())).toEqual(['1']);
        await expect(intake.take()).rejects.toThrow('broken');
    });

    test('tells of a mere move once nothing has changed for a while, and of the last one', async () => {
        const feed = new Feed();
        const intake = new Intake(feed, { ...INTAKE, idleMs: 20 });
        feed.give(transaction('1'), transaction('2', 'a'), transaction('3'), transaction('4'));
        await settled();
        expect(positionsOf(await intake.take())).toEqual(['2']);
        expect(await intake.take()).toEqual({ kind: 'idle', position: '4' });
        intake.close();
    });

    test('ends when it is closed', async () => {
        const intake = new Intake(new Feed());
        const waiting = intake.take();
        intake.close();
        expect(await waiting).toBeUndefined();
    });
});
