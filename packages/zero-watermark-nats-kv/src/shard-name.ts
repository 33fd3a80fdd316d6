import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { checkShardId } from '@cbnsndwch/zero-contracts/backend';

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
    const name = `${bucket}-tokens-${escaped}`;
    if (name.length > MAX_BUCKET_NAME) {
        throw invalid(
            `The shard id ${JSON.stringify(shardId.slice(0, 60))} is too long: its bucket would have a name of ` +
                `${name.length} characters; at most ${MAX_BUCKET_NAME} are allowed.`
        );
    }
    return name;
}

function invalid(message: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.INVALID_ARGUMENT, message);
}
