import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { checkShardId, quoted } from '@cbnsndwch/zero-contracts/backend';

/** The longest name that nats-server takes for a stream, less the `KV_` that buckets' streams begin with. */
const MAX_BUCKET_NAME = 252;

/**
 * The bucket of a shard: `<bucket>-tokens-<shard>`, with each byte of the shard id that is not a letter, a digit or `-`
 * as `_XX`. No two shard ids share a bucket.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`: empty, not well-formed, or too long.
 */
export function bucketOfShard(bucket: string, shardId: string): string {
    let escaped = '';
    for (const byte of new TextEncoder().encode(checkShardId(shardId))) {
        const character = String.fromCharCode(byte);
        escaped += /[-0-9A-Za-z]/.test(character) ? character : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    }
    const name = prefixOfShards(bucket) + escaped;
    if (name.length > MAX_BUCKET_NAME) {
        throw invalid(
            `The shard id ${quoted(shardId)} is too long: its bucket would have a name of ` +
                `${name.length} characters; at most ${MAX_BUCKET_NAME} are allowed.`
        );
    }
    return name;
}

/** The shard whose bucket this is; `undefined`: it is no bucket of a shard of this store. */
export function shardOfBucket(bucket: string, name: string): string | undefined {
    if (!name.startsWith(prefixOfShards(bucket))) {
        return undefined;
    }
    const escaped = name.slice(prefixOfShards(bucket).length);
    try {
        const shardId = decodeURIComponent(escaped.replaceAll('_', '%'));
        // Only the form that bucketOfShard makes is ours.
        return bucketOfShard(bucket, shardId) === name ? shardId : undefined;
    } catch {
        return undefined;
    }
}

function prefixOfShards(bucket: string): string {
    return `${bucket}-tokens-`;
}

function invalid(message: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.INVALID_ARGUMENT, message);
}
