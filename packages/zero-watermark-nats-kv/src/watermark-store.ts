import type { MaybeUndefined, WatermarkStore } from '@cbnsndwch/zero-contracts';
import { Deadline } from '@cbnsndwch/zero-contracts/backend';

import { openBucket } from './bucket.js';
import { Connection } from './connection.js';
import { NatsKvResumeTokenService } from './nats-kv-resume-token.service.js';
import { NatsKvWatermarkService } from './nats-kv-watermark.service.js';
import { type NatsKvOptions, resolveOptions } from './options.js';
import { RecordStore } from './record-store.js';

/**
 * Connects, opens the bucket (and creates it where `bucketPolicy` allows), and gives the services.
 *
 * @throws {InvalidOptionsError} before any connection is tried, with every problem of the options
 * @throws {WatermarkError} `UNAVAILABLE` within `connectTimeoutMs`, `AUTHENTICATION_FAILED`, `PERMISSION_DENIED`,
 *   `BUCKET_NOT_FOUND` (policy `require`), `BUCKET_MISMATCH`
 */
export async function openWatermarkStore(
    options: NatsKvOptions | MaybeUndefined<NatsKvOptions>
): Promise<WatermarkStore> {
    const config = resolveOptions(options);
    const deadline = Deadline.in(config.connectTimeoutMs);
    const connection = await Connection.open(config, deadline);
    try {
        const bucket = await openBucket(connection, config, deadline);
        const store = new RecordStore(connection, bucket);
        const { logger, timeoutMs, readConsistency } = config;
        const watermarks = new NatsKvWatermarkService({
            connection,
            bucket,
            store,
            logger,
            timeoutMs,
            readConsistency
        });
        const resumeTokens = new NatsKvResumeTokenService(connection, config, store);
        const close = async () => {
            await Promise.all([watermarks.close(), resumeTokens.close()]);
            await connection.close();
        };
        return { watermarks, resumeTokens, close, [Symbol.asyncDispose]: close };
    } catch (error) {
        await connection.close();
        throw error;
    }
}
