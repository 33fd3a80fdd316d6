import { WatermarkErrorCode } from '../../errors.js';
import type { AssignedChange } from '../../resume-tokens.js';
import { equals, grows, holds, rejectionOf, rejects } from '../expect.js';
import { given, promise, type Topic } from '../promise.js';

interface Change {
    readonly position: number;
}

const resumeTokenOf = ({ position }: Change) => `position-${position}`;

/** A source of changes that counts what was taken from it, and can fail or stay silent at a position. */
class Source {
    taken = 0;
    closed = false;

    async *changes(count: number, at: Readonly<Record<number, () => unknown>> = {}): AsyncGenerator<Change> {
        try {
            for (let position = 0; position < count; position += 1) {
                await at[position]?.();
                this.taken += 1;
                yield { position };
            }
        } finally {
            this.closed = true;
        }
    }
}

/** Takes what comes, and the error it ends with. */
async function drain(assigned: AsyncIterable<AssignedChange<Change>>) {
    const given: AssignedChange<Change>[] = [];
    try {
        for await (const each of assigned) {
            given.push(each);
        }
        return { given, error: undefined };
    } catch (error) {
        return { given, error };
    }
}

const positionsOf = (given: readonly AssignedChange<Change>[]) => given.map(({ change }) => change.position);
const firstOf = (count: number) => Array.from({ length: count }, (_, position) => position);

export const assigning: Topic = {
    service: 'ResumeTokenService',
    name: 'assignWatermarks',
    promises: [
        promise('changes come out as they went in, each with the watermark of its token', async scene => {
            const { resumeTokens, shard } = scene;
            const assigned = resumeTokens.assignWatermarks(shard(), new Source().changes(300), { resumeTokenOf });
            const { given, error } = await drain(assigned);
            equals(error, undefined, 'the error');
            equals(positionsOf(given), firstOf(300), 'the changes');
            grows(
                given.map(({ watermark }) => watermark),
                'the watermarks'
            );
            for (const { change, watermark } of [given[0], given[150], given[299]].filter(each => each !== undefined)) {
                equals(await resumeTokens.getResumeToken(shard(), watermark), resumeTokenOf(change), 'the token');
            }
        }),
        promise('a source that is read again gets the same watermarks', async ({ resumeTokens, shard }) => {
            const read = () =>
                drain(resumeTokens.assignWatermarks(shard(), new Source().changes(50), { resumeTokenOf }));
            equals(await read(), await read(), 'the second reading');
        }),
        promise('a source without changes gives none', async ({ resumeTokens, shard }) => {
            const assigned = resumeTokens.assignWatermarks(shard(), new Source().changes(0), { resumeTokenOf });
            equals(await drain(assigned), { given: [], error: undefined }, 'what comes out');
        }),
        promise('no more is taken from the source than maxInFlight beyond what was handed out', async scene => {
            const { resumeTokens, shard } = scene;
            const source = new Source();
            const options = { resumeTokenOf, maxInFlight: 5 };
            let handedOut = 0;
            for await (const _ of resumeTokens.assignWatermarks(shard(), source.changes(60), options)) {
                handedOut += 1;
                // One more may be on its way to the consumer.
                holds(source.taken <= handedOut + 6, `${source.taken} were taken when ${handedOut} were handed out`);
            }
            equals([handedOut, source.taken], [60, 60], 'how many were handed out, and taken');
        }),
        promise('an error of the source comes after all changes before it', async ({ resumeTokens, shard }) => {
            const fail = () => {
                throw new RangeError('the source failed');
            };
            const changes = new Source().changes(10, { 4: fail });
            const { given, error } = await drain(resumeTokens.assignWatermarks(shard(), changes, { resumeTokenOf }));
            equals(
                [positionsOf(given), String(error)],
                [firstOf(4), 'RangeError: the source failed'],
                'changes and error'
            );
        }),
        promise('an error of resumeTokenOf comes after all changes before it, and closes the source', async scene => {
            const { resumeTokens, shard } = scene;
            const source = new Source();
            const failing = (change: Change) => {
                if (change.position === 3) {
                    throw new RangeError('no token');
                }
                return resumeTokenOf(change);
            };
            const assigned = resumeTokens.assignWatermarks(shard(), source.changes(10), { resumeTokenOf: failing });
            const { given, error } = await drain(assigned);
            equals([positionsOf(given), String(error)], [firstOf(3), 'RangeError: no token'], 'changes and error');
        }),
        promise('a token that is none ends it with the error of the service', async ({ resumeTokens, shard }) => {
            const tokenOf = (change: Change) => (change.position === 2 ? '' : resumeTokenOf(change));
            const assigned = resumeTokens.assignWatermarks(shard(), new Source().changes(5), {
                resumeTokenOf: tokenOf
            });
            const { given, error } = await drain(assigned);
            equals(positionsOf(given), firstOf(2), 'the changes before it');
            await rejects(WatermarkErrorCode.INVALID_ARGUMENT, () => Promise.reject(error), 'the iteration');
        }),
        promise('a watermark that would not grow is never handed out', async ({ resumeTokens, shard }) => {
            const tokenOf = ({ position }: Change) => (position === 3 ? 'position-1' : `position-${position}`);
            const assigned = resumeTokens.assignWatermarks(shard(), new Source().changes(5), {
                resumeTokenOf: tokenOf
            });
            const { given, error } = await drain(assigned);
            equals(positionsOf(given), firstOf(3), 'the changes before it');
            await rejects(WatermarkErrorCode.OUT_OF_ORDER, () => Promise.reject(error), 'the iteration');
        }),
        promise('a signal ends it without an error, while a change is waited for', async ({ resumeTokens, shard }) => {
            const stop = new AbortController();
            const source = new Source();
            const changes = source.changes(10, {
                3: () => {
                    stop.abort();
                    return new Promise(() => {});
                }
            });
            const options = { resumeTokenOf, signal: stop.signal };
            const { given, error } = await drain(resumeTokens.assignWatermarks(shard(), changes, options));
            equals(error, undefined, 'the error');
            holds(given.length <= 3, `${given.length} changes were handed out of the three before`);
        }),
        promise('a signal that has aborted before takes nothing', async ({ resumeTokens, shard }) => {
            const source = new Source();
            const options = { resumeTokenOf, signal: AbortSignal.abort() };
            const { given } = await drain(resumeTokens.assignWatermarks(shard(), source.changes(5), options));
            equals([given.length, source.taken], [0, 0], 'how many were handed out, and taken');
            equals(await resumeTokens.head(shard()), null, 'head');
        }),
        promise('a consumer that leaves the loop closes the source', async ({ resumeTokens, shard, recorder }) => {
            const closed = recorder<true>();
            const iterator: AsyncIterator<Change> = {
                next: async () => ({ done: false, value: { position: closed.items.length } }),
                return: async () => {
                    closed.add(true);
                    return { done: true, value: undefined };
                }
            };
            const changes = { [Symbol.asyncIterator]: () => iterator };
            for await (const _ of resumeTokens.assignWatermarks(shard(), changes, { resumeTokenOf })) {
                break;
            }
            await closed.at(0, 'the end of the source');
        }),
        promise('maxInFlight must be a positive whole number', async ({ resumeTokens, shard }) => {
            for (const maxInFlight of [0, -1, 1.5, Number.NaN]) {
                const options = { resumeTokenOf, maxInFlight };
                const assigned = resumeTokens.assignWatermarks(shard(), new Source().changes(1), options);
                const call = () => assigned[Symbol.asyncIterator]().next();
                await rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, `maxInFlight ${maxInFlight}`);
            }
        }),
        given({ own: {} })(
            'a service that is closed meanwhile ends it with CLOSED',
            async ({ resumeTokens, shard }) => {
                const changes = new Source().changes(10, { 2: () => resumeTokens.close() });
                const { given, error } = await drain(
                    resumeTokens.assignWatermarks(shard(), changes, { resumeTokenOf })
                );
                equals(positionsOf(given), firstOf(2), 'the changes before it');
                await rejects(WatermarkErrorCode.CLOSED, () => Promise.reject(error), 'the iteration');
                await rejectionOf(() => resumeTokens.head(shard()), 'head');
            }
        )
    ]
};
