import type { ResumeTokenService } from '../../resume-tokens.js';

/** A call of the API on a shard. */
export type ShardCall = (tokens: ResumeTokenService, shardId: string) => Promise<unknown>;

/** Every method that takes a shard id, called with it. */
export const callsWithShard: Readonly<Record<string, ShardCall>> = {
    getOrCreateWatermark: (tokens, shardId) => tokens.getOrCreateWatermark(shardId, 'token'),
    getOrCreateWatermarks: (tokens, shardId) => tokens.getOrCreateWatermarks(shardId, ['token']),
    getResumeToken: (tokens, shardId) => tokens.getResumeToken(shardId, '00'),
    resume: (tokens, shardId) => tokens.resume(shardId, '00'),
    beginSync: (tokens, shardId) => tokens.beginSync(shardId, 'token'),
    acknowledge: (tokens, shardId) => tokens.acknowledge(shardId, '00'),
    abandon: (tokens, shardId) => tokens.abandon(shardId),
    head: (tokens, shardId) => tokens.head(shardId),
    provision: (tokens, shardId) => tokens.provision([shardId]),
    assignWatermarks: (tokens, shardId) => {
        async function* changes() {
            yield 'token';
        }
        return tokens
            .assignWatermarks(shardId, changes(), { resumeTokenOf: change => change })
            [Symbol.asyncIterator]()
            .next();
    }
};

/** A call of the API with a resume token. */
export type TokenCall = (tokens: ResumeTokenService, shardId: string, resumeToken: string) => Promise<unknown>;

/** Every method that takes a resume token, called with it. */
export const callsWithToken: Readonly<Record<string, TokenCall>> = {
    getOrCreateWatermark: (tokens, shardId, token) => tokens.getOrCreateWatermark(shardId, token),
    getOrCreateWatermarks: (tokens, shardId, token) =>
        tokens.getOrCreateWatermarks(shardId, ['before', token, 'after']),
    beginSync: (tokens, shardId, token) => tokens.beginSync(shardId, token)
};

/** Resume tokens with a common beginning, one for each number. */
export function named(prefix: string, count: number): string[] {
    return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}
