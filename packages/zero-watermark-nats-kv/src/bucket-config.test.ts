import { describe, expect, test } from 'vitest';

import {
    compareBucket,
    describeDifference,
    streamOfBucket,
    subjectPrefixOfBucket,
    wantedStreamConfig
} from './bucket-config.js';
import type { StreamConfig } from './jetstream.js';
import { type NatsKvBucketConfig, resolveOptions } from './options.js';

const NANOS_PER_MS = 1_000_000;

function configOf(options: Partial<NatsKvBucketConfig> = {}) {
    return resolveOptions({ servers: ['localhost'], bucket: 'b', ...options });
}

/** What differs when the bucket is as asked for, but for some settings. */
function differencesWith(actual: Partial<StreamConfig>, options: Partial<NatsKvBucketConfig> = {}) {
    return compareBucket(configOf(options), { ...wantedStreamConfig(configOf(options)), ...actual });
}

test('names follow the layout that all NATS clients share', () => {
    expect(streamOfBucket('zero-watermarks')).toBe('KV_zero-watermarks');
    expect(subjectPrefixOfBucket('zero-watermarks')).toBe('$KV.zero-watermarks.');
});

describe('wantedStreamConfig', () => {
    test('without wishes it is what nats kv add makes', () => {
        expect(wantedStreamConfig(configOf())).toEqual({
            name: 'KV_b',
            subjects: ['$KV.b.>'],
            retention: 'limits',
            storage: 'file',
            num_replicas: 1,
            max_msgs_per_subject: 1,
            max_msgs: -1,
            max_bytes: -1,
            max_age: 0,
            max_msg_size: -1,
            discard: 'new',
            duplicate_window: 120_000 * NANOS_PER_MS,
            allow_rollup_hdrs: true,
            deny_delete: true,
            allow_direct: true
        });
    });

    test('every option has its place', () => {
        const placement = { cluster: 'east', tags: ['ssd'] };
        const options = {
            replicas: 3,
            history: 5,
            storage: 'memory',
            maxValueSizeBytes: 4096,
            ttlMs: 60_000,
            placement
        } as const;
        expect(wantedStreamConfig(configOf(options))).toMatchObject({
            num_replicas: 3,
            max_msgs_per_subject: 5,
            storage: 'memory',
            max_msg_size: 4096,
            max_age: 60_000 * NANOS_PER_MS,
            // NATS refuses a window that is longer than messages live.
            duplicate_window: 60_000 * NANOS_PER_MS,
            placement
        });
    });
});

describe('compareBucket', () => {
    test('nothing differs from what was asked for', () => {
        expect(differencesWith({})).toEqual([]);
        expect(differencesWith({}, { replicas: 3, history: 9, ttlMs: 1000, storage: 'memory' })).toEqual([]);
    });

    test('what servers leave out of their answers is their default', () => {
        const {
            max_age: _age,
            max_msg_size: _size,
            max_bytes: _bytes,
            retention: _retention,
            ...bare
        } = wantedStreamConfig(configOf());
        expect(compareBucket(configOf(), bare)).toEqual([]);
    });

    test.each<[string, Partial<StreamConfig> & { no_ack?: boolean }, Partial<NatsKvBucketConfig>]>([
        ['mirror', { mirror: { name: 'KV_other' }, subjects: [] }, {}],
        ['sealed', { sealed: true }, {}],
        ['subjects', { subjects: ['orders.>'] }, {}],
        ['retention', { retention: 'workqueue' }, {}],
        ['no_ack', { no_ack: true }, {}],
        ['ttlMs', { max_age: 1000 * NANOS_PER_MS }, {}],
        ['ttlMs', { max_age: 1000 * NANOS_PER_MS }, { ttlMs: 2000 }],
        ['maxValueSizeBytes', { max_msg_size: 1000 }, { maxValueSizeBytes: 2000 }],
        ['maxValueSizeBytes', { max_msg_size: 100 }, {}]
    ])('%s breaks a promise, %#', (setting, actual, options) => {
        expect(differencesWith(actual, options)).toEqual([expect.objectContaining({ setting, breaksPromise: true })]);
    });

    test.each<[string, Partial<StreamConfig>, Partial<NatsKvBucketConfig>]>([
        ['ttlMs', { max_age: 3000 * NANOS_PER_MS }, { ttlMs: 2000 }],
        ['ttlMs', { max_age: 0 }, { ttlMs: 2000 }],
        ['history', { max_msgs_per_subject: 64 }, {}],
        ['replicas', { num_replicas: 3 }, {}],
        ['storage', { storage: 'memory' }, {}],
        ['discard', { discard: 'old', max_bytes: 1_000_000 }, {}],
        ['discard', { discard: 'old', max_msgs: 1000 }, {}],
        ['persist_mode', { persist_mode: 'async' }, {}],
        ['allow_direct', { allow_direct: false }, { readConsistency: 'any' }]
    ])('%s is worth a line in the log, %#', (setting, actual, options) => {
        expect(differencesWith(actual, options)).toEqual([expect.objectContaining({ setting, breaksPromise: false })]);
    });

    test.each<[string, Partial<StreamConfig>]>([
        ['a size limit above what is asked for', { max_msg_size: 10_000 }],
        ['discarding the oldest where there is no limit', { discard: 'old' }],
        ['no direct reads where the leader answers', { allow_direct: false }],
        ['settings that concern nobody here', { deny_purge: true, allow_rollup_hdrs: false, metadata: { a: 'b' } }]
    ])("%s is nobody's concern", (_, actual) => {
        expect(differencesWith(actual)).toEqual([]);
    });

    test('all differences are told, in words', () => {
        const differences = differencesWith({
            max_age: 60_000 * NANOS_PER_MS,
            num_replicas: 3,
            history: 1
        } as Partial<StreamConfig>);
        expect(differences.map(describeDifference)).toEqual([
            'ttlMs is 60000 instead of 0: watermarks would vanish before their time',
            'replicas is 3 instead of 1: the bucket survives as many failures as it has'
        ]);
    });
});
