import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { describe, expect, test } from 'vitest';

import { type AssignOptions, assignInOrder as assignAsking } from './assign-watermarks.js';
import { WatermarkErrorCode } from './errors.js';
import { versionToLexi } from './lexi-version.js';

interface Change {
    readonly token: string;
}

/** Asks one who answers with promises. */
function assignInOrder(
    changes: AsyncIterable<Change>,
    watermarkOf: (resumeToken: string) => Promise<string>,
    options: AssignOptions<Change>
) {
    return assignAsking(changes, (token, { answer, fail }) => void watermarkOf(token).then(answer, fail), options);
}

const resumeTokenOf = (change: Change) => change.token;
const turn = () => new Promise(resolve => setImmediate(resolve));

/** A source that counts what was taken from it, and knows when it was closed. */
function countedSource(length: number, failAt = -1) {
    const state = { taken: 0, closed: false };
    async function* changes(): AsyncGenerator<Change> {
        try {
            for (let index = 0; index < length; index += 1) {
                if (index === failAt) {
                    throw new Error(`source failed at ${index}`);
                }
                state.taken += 1;
                yield { token: `t${index}` };
            }
        } finally {
            state.closed = true;
        }
    }
    return { state, changes: changes() };
}

/** Watermarks in the order of the calls, each given when the test says so. */
function controlledWatermarks() {
    const waiting: (() => void)[] = [];
    let next = 0;
    const watermarkOf = () => {
        const watermark = versionToLexi((next += 1));
        return new Promise<string>(resolve => waiting.push(() => resolve(watermark)));
    };
    return { waiting, watermarkOf };
}

test('changes come out in the order in which they went in, each with its watermark', async () => {
    let asked = 0;
    const assigned = assignInOrder(
        countedSource(100).changes,
        async () => {
            const watermark = versionToLexi((asked += 1));
            // Later ones may be answered before earlier ones.
            await (asked % 3 === 0 ? turn() : undefined);
            return watermark;
        },
        { resumeTokenOf, maxInFlight: 10 }
    );
    const seen: string[] = [];
    for await (const { change, watermark } of assigned) {
        seen.push(`${change.token}:${watermark}`);
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => `t${index}:${versionToLexi(index + 1)}`));
});

test('many are in flight, but never more than maxInFlight are taken and not handed out', async () => {
    const { state, changes } = countedSource(1_000);
    const { waiting, watermarkOf } = controlledWatermarks();
    const assigned = assignInOrder(changes, watermarkOf, { resumeTokenOf, maxInFlight: 5 });
    const first = assigned.next();
    await turn();
    await turn();
    // One is being awaited, and five are queued behind it.
    expect(state.taken).toBeGreaterThanOrEqual(5);
    expect(state.taken).toBeLessThanOrEqual(6);
    expect(waiting).toHaveLength(state.taken);
    waiting.splice(0).forEach(give => give());
    await first;
    for (let round = 0; round < 20; round += 1) {
        const next = assigned.next();
        await turn();
        waiting.splice(0).forEach(give => give());
        await next;
        expect(state.taken).toBeLessThanOrEqual(round + 2 + 6);
    }
    await assigned.return();
    await turn();
    expect(state.closed).toBe(true);
});

test('nothing is kept of changes that were handed out', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const usedBytes = () => {
        collectGarbage();
        return process.memoryUsage().heapUsed;
    };
    let asked = 0;
    const assigned = assignInOrder(countedSource(60_000).changes, async () => versionToLexi((asked += 1)), {
        resumeTokenOf
    });
    const used: number[] = [];
    for await (const { change } of assigned) {
        if (change.token === 't10000' || change.token === 't59000') {
            used.push(usedBytes());
        }
    }
    const [early = 0, late = 0] = used;
    // A promise alone would be more than fifty bytes a change.
    expect(late - early).toBeLessThan(49_000 * 50);
});

describe('errors reach the consumer, after all changes before them', () => {
    test('of the source', async () => {
        let asked = 0;
        const assigned = assignInOrder(countedSource(10, 3).changes, async () => versionToLexi((asked += 1)), {
            resumeTokenOf
        });
        const seen: string[] = [];
        const iteration = (async () => {
            for await (const { change } of assigned) {
                seen.push(change.token);
            }
        })();
        await expect(iteration).rejects.toThrow('source failed at 3');
        expect(seen).toEqual(['t0', 't1', 't2']);
    });

    test('of the service, and the source is closed', async () => {
        const { state, changes } = countedSource(1_000);
        let asked = 0;
        const assigned = assignInOrder(
            changes,
            async () => {
                asked += 1;
                if (asked >= 3) {
                    throw new Error(`no watermark ${asked}`);
                }
                return versionToLexi(asked);
            },
            { resumeTokenOf }
        );
        const seen: string[] = [];
        const iteration = (async () => {
            for await (const { change } of assigned) {
                seen.push(change.token);
            }
        })();
        await expect(iteration).rejects.toThrow('no watermark 3');
        expect(seen).toEqual(['t0', 't1']);
        await turn();
        expect(state.closed).toBe(true);
    });

    test('of resumeTokenOf', async () => {
        const assigned = assignInOrder(countedSource(3).changes, async () => '00', {
            resumeTokenOf: () => {
                throw new Error('no token');
            }
        });
        await expect(assigned.next()).rejects.toThrow('no token');
    });

    test.each([
        ['equal', ['0a', '0a']],
        ['lower', ['0b', '0a']]
    ])('a watermark that is %s is never handed out', async (_, watermarks) => {
        const given = watermarks.values();
        const assigned = assignInOrder(countedSource(2).changes, async () => given.next().value ?? '', {
            resumeTokenOf
        });
        await assigned.next();
        await expect(assigned.next()).rejects.toMatchObject({ code: WatermarkErrorCode.OUT_OF_ORDER });
    });
});

describe('ending', () => {
    test('a signal that aborts ends it without an error, and closes the source', async () => {
        const { state, changes } = countedSource(1_000_000);
        const stop = new AbortController();
        let asked = 0;
        const seen: string[] = [];
        const assigned = assignInOrder(changes, async () => versionToLexi((asked += 1)), {
            resumeTokenOf,
            signal: stop.signal
        });
        for await (const { change } of assigned) {
            seen.push(change.token);
            if (seen.length === 3) {
                stop.abort();
            }
        }
        expect(seen).toHaveLength(3);
        await turn();
        expect(state.closed).toBe(true);
    });

    test('a signal ends it while a watermark is awaited that never comes', async () => {
        const stop = new AbortController();
        const assigned = assignInOrder(countedSource(5).changes, () => new Promise<string>(() => {}), {
            resumeTokenOf,
            signal: stop.signal
        });
        const next = assigned.next();
        await turn();
        stop.abort();
        expect(await next).toEqual({ done: true, value: undefined });
    });

    test('a signal that has aborted before takes nothing', async () => {
        const { state, changes } = countedSource(5);
        const assigned = assignInOrder(changes, async () => '00', { resumeTokenOf, signal: AbortSignal.abort() });
        expect(await assigned.next()).toEqual({ done: true, value: undefined });
        expect(state.taken).toBe(0);
    });

    test('a source that waits for its next change is not waited for', async () => {
        const closed: string[] = [];
        const changes: AsyncIterable<Change> = {
            [Symbol.asyncIterator]: () => ({
                next: () => new Promise<IteratorResult<Change>>(() => {}),
                return: async () => {
                    closed.push('closed');
                    return { done: true, value: undefined };
                }
            })
        };
        const stop = new AbortController();
        const assigned = assignInOrder(changes, async () => '00', { resumeTokenOf, signal: stop.signal });
        const next = assigned.next();
        await turn();
        stop.abort();
        expect(await next).toEqual({ done: true, value: undefined });
        expect(closed).toEqual(['closed']);
    });

    test('a failing service leaves no unhandled rejection when the consumer has gone', async () => {
        const assigned = assignInOrder(
            countedSource(100).changes,
            async token => {
                if (token === 't0') {
                    return '00';
                }
                throw new Error('too late');
            },
            { resumeTokenOf }
        );
        await assigned.next();
        await assigned.return();
        await turn();
    });
});

test.each([0, -1, 1.5, Number.NaN])('maxInFlight %s is refused', async maxInFlight => {
    const assigned = assignInOrder(countedSource(1).changes, async () => '00', { resumeTokenOf, maxInFlight });
    await expect(assigned.next()).rejects.toMatchObject({ code: WatermarkErrorCode.INVALID_ARGUMENT });
});
