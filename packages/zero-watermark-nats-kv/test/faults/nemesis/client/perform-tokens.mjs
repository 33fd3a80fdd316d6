// @ts-check
import { isWatermarkError } from '@cbnsndwch/zero-contracts';
import { exportPairs } from '@cbnsndwch/zero-contracts/backend';

/** @typedef {import('../../history/history.js').Call} Call */
/** @typedef {import('../../history/history.js').Answer} Answer */
/** @typedef {import('../../history/history.js').KeptToken} KeptToken */
/** @typedef {import('@cbnsndwch/zero-contracts').ResumeTokenService} ResumeTokenService */

/** @type {Answer} */
const DONE = { kind: 'done' };

/**
 * Makes a call of the resume tokens, and puts what it gives into the words of a history.
 *
 * @param {ResumeTokenService} resumeTokens
 * @param {Call} call
 * @returns {Promise<Answer>}
 */
export async function performOnTokens(resumeTokens, call) {
    switch (call.kind) {
        case 'watermark':
            return {
                kind: 'watermarks',
                watermarks: [await resumeTokens.getOrCreateWatermark(call.shard, call.token)]
            };
        case 'watermarks':
            return {
                kind: 'watermarks',
                watermarks: await resumeTokens.getOrCreateWatermarks(call.shard, call.tokens)
            };
        case 'provision':
            await resumeTokens.provision([call.shard]);
            return DONE;
        case 'beginSync':
            return { kind: 'watermarks', watermarks: [await resumeTokens.beginSync(call.shard, call.token)] };
        case 'tokenOf':
            return {
                kind: 'token',
                token: (await resumeTokens.getResumeToken(call.shard, call.watermark)) ?? null
            };
        case 'resume': {
            const point = await resumeTokens.resume(call.shard, call.watermark);
            return point.kind === 'resume'
                ? { kind: 'resume', point: 'resume', token: point.resumeToken }
                : { kind: 'resume', point: point.kind === 'initial-sync' ? point.kind : point.reason };
        }
        case 'acknowledge':
            await resumeTokens.acknowledge(call.shard, call.watermark);
            return DONE;
        case 'head': {
            const head = await resumeTokens.head(call.shard);
            return {
                kind: 'head',
                head: head === null ? null : { watermark: head.watermark, token: head.resumeToken }
            };
        }
        case 'abandon':
            await resumeTokens.abandon(call.shard);
            return DONE;
        case 'clearShards':
            await resumeTokens.clear();
            return DONE;
        case 'export':
            return { kind: 'pairs', pairs: await exported(resumeTokens, call.shard) };
        case 'import': {
            const pairs = call.pairs.map(({ token, ...pair }) => ({
                ...pair,
                shardId: call.shard,
                resumeToken: token
            }));
            const lines = exportPairs(eachOf(pairs));
            const { created, alreadyThere } = await resumeTokens.importWatermarks(
                call.isCut ? firstBlock(lines) : lines
            );
            if (created + alreadyThere !== pairs.length) {
                throw new RangeError(`of ${pairs.length} pairs, ${created} were created and ${alreadyThere} there`);
            }
            return DONE;
        }
        default:
            throw new RangeError(`${call.kind} is no call of the resume tokens`);
    }
}

/**
 * @param {ResumeTokenService} resumeTokens
 * @param {string} shard
 */
async function exported(resumeTokens, shard) {
    /** @type {KeptToken[]} */
    const pairs = [];
    try {
        for await (const line of resumeTokens.exportWatermarks({ shardIds: [shard] })) {
            const { watermark, token, sync = false } = JSON.parse(line);
            if (watermark !== undefined) {
                pairs.push({ watermark, token, sync });
            }
        }
    } catch (error) {
        // So a shard that has nothing is told.
        if (!isWatermarkError(error, 'ERR_WATERMARK_INVALID_ARGUMENT') || pairs.length > 0) {
            throw error;
        }
    }
    return pairs;
}

/**
 * An export up to its first seal, if that is not its end.
 *
 * @param {AsyncIterable<string>} lines
 */
async function* firstBlock(lines) {
    for await (const line of lines) {
        yield line;
        if ('sha256' in JSON.parse(line)) {
            return;
        }
    }
}

/**
 * @template T
 * @param {Iterable<T>} values
 */
async function* eachOf(values) {
    yield* values;
}
