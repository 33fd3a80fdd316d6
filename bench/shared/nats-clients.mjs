// @ts-check
import { openWatermarkStore } from '@cbnsndwch/zero-watermark-nats-kv/store';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';

import { LeanPublisher } from './lean-publisher.mjs';
import { connectTo, leadFromHere, removeBucket } from './servers.mjs';

/** @typedef {import('./servers.mjs').Place} Place */
/** @typedef {import('@cbnsndwch/zero-watermark-nats-kv/store').NatsKvBucketConfig} NatsKvBucketConfig */

/**
 * A store as a user opens it: the options that the library gives its connection, and no others.
 *
 * @param {Place} place
 * @param {string} bucket
 * @param {Partial<NatsKvBucketConfig>} [options]
 */
export function openStore({ url, replicas }, bucket, options = {}) {
    return openWatermarkStore({ servers: [url], bucket, replicas, ...options });
}

/**
 * The clients of NATS as a user has them, with the defaults of their connection.
 *
 * @param {Place} place
 * @param {string} bucket made if it is not there
 */
export async function openRaw({ url, replicas }, bucket) {
    const nc = await connect({ servers: url });
    const kv = await new Kvm(nc).create(bucket, { replicas });
    return { nc, kv, js: jetstream(nc), close: () => nc.close() };
}

/**
 * The same with the one connection option that makes it faster.
 *
 * @param {Place} place
 * @param {string} bucket made if it is not there
 */
export async function openRawWithoutTraces({ url, replicas }, bucket) {
    const nc = await connect({ servers: url, noAsyncTraces: true });
    return { kv: await new Kvm(nc).create(bucket, { replicas }), close: () => nc.close() };
}

/** @param {Place} place */
export async function openLean(place) {
    const nc = await connectTo(place);
    const lean = new LeanPublisher(nc);
    const close = async () => {
        lean.close();
        await nc.close();
    };
    return { lean, close };
}

/**
 * Buckets that are gone afterwards. To be used before anything that has them open, so that it is closed after that.
 *
 * @param {Place} place
 * @param {readonly string[]} buckets
 */
export async function bucketsOf(place, buckets) {
    const nc = await connectTo(place);
    return {
        /**
         * To be called once they have been made. Where there are replicas, it moves their leaders to the node of the
         * clients: otherwise chance would decide which of the ways has a node more to go through.
         */
        async made() {
            if (place.replicas > 1) {
                for (const bucket of buckets) {
                    await leadFromHere(nc, bucket);
                }
            }
        },
        async close() {
            for (const bucket of buckets) {
                await removeBucket(nc, bucket);
            }
            await nc.close();
        }
    };
}

/**
 * Whether a conditional write of `@nats-io/kv` came too late.
 *
 * @param {unknown} error
 */
export function isConflict(error) {
    return error instanceof Error && /wrong last sequence/.test(error.message);
}
