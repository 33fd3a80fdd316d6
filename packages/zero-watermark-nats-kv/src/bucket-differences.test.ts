import { describe, expect, test } from 'vitest';

import { wantedStreamConfig } from './bucket-config.js';
import { type BucketSituation, compareBucket, describeDifference } from './bucket-differences.js';
import type { StreamConfig } from './jetstream-answers.js';
import { type NatsKvBucketConfig, resolveOptions } from './options.js';

const NANOS_PER_MS = 1_000_000;

function configOf(options: Partial<NatsKvBucketConfig> = {}) {
    return resolveOptions({ servers: ['localhost'], bucket: 'b', ...options });
}

/** What differs when the bucket is as asked for, but for some settings. */
function differencesWith(
    actual: Partial<StreamConfig>,
    options: Partial<NatsKvBucketConfig> = {},
    situation: Partial<BucketSituation> = {}
) {
    const config = configOf(options);
    const there = { ...wantedStreamConfig(config), ...actual };
    return compareBucket(config, there, { isClustered: false, isPurged: false, ...situation });
}

test('nothing differs from what was asked for', () => {
    expect(differencesWith({})).toEqual([]);
    expect(differencesWith({}, { replicas: 3, history: 9, ttlMs: 1000, storage: 'memory' })).toEqual([]);
    expect(differencesWith({}, { replicas: 3 }, { isClustered: true, isPurged: true })).toEqual([]);
});

test('what servers leave out of their answers is their default', () => {
    const {
        max_age: _age,
        max_msg_size: _size,
        max_bytes: _bytes,
        retention: _retention,
        ...bare
    } = wantedStreamConfig(configOf());
    expect(compareBucket(configOf(), bare, { isClustered: false, isPurged: true })).toEqual([]);
});

describe('what each difference does to the promises, and what mends it', () => {
    const anew = 'nats kv del b && nats kv add b --storage=file --replicas=1';

    test.each<[string, Partial<StreamConfig>, Partial<NatsKvBucketConfig>, string]>([
        ['mirror', { mirror: { name: 'KV_other' }, subjects: [] }, {}, `--no-mirror --subjects='$KV.b.>'`],
        ['sealed', { sealed: true }, {}, anew],
        ['subjects', { subjects: ['orders.>'] }, {}, `nats stream edit KV_b --subjects='$KV.b.>'`],
        ['subject_transform', { subject_transform: { src: '>', dest: 'other.>' } }, {}, '--no-transform'],
        ['retention', { retention: 'workqueue' }, {}, anew],
        ['no_ack', { no_ack: true }, {}, '--ack'],
        ['discard_new_per_subject', { discard_new_per_subject: true }, {}, '--no-discard-per-subject'],
        ['ttlMs', { max_age: 1000 * NANOS_PER_MS }, {}, '--max-age=0s'],
        ['ttlMs', { max_age: 1000 * NANOS_PER_MS }, { ttlMs: 2000 }, '--max-age=2000ms'],
        ['maxValueSizeBytes', { max_msg_size: 1000 }, { maxValueSizeBytes: 2000 }, '--max-msg-size=2000'],
        ['maxValueSizeBytes', { max_msg_size: 100 }, {}, '--max-msg-size=-1']
    ])('%s breaks one, %#', (setting, actual, options, mend) => {
        expect(differencesWith(actual, options)).toEqual([
            expect.objectContaining({ setting, severity: 'breaks', mend: expect.stringContaining(mend) })
        ]);
    });

    test('a bucket whose entries are to be purged must allow it', () => {
        const differences = differencesWith({ deny_purge: true }, {}, { isPurged: true });
        expect(differences).toEqual([expect.objectContaining({ setting: 'deny_purge', severity: 'breaks' })]);
    });

    test.each<[string, Partial<StreamConfig>, Partial<NatsKvBucketConfig>, string]>([
        ['replicas', { num_replicas: 1 }, { replicas: 3 }, '--replicas=3'],
        ['replicas', { num_replicas: 3 }, { replicas: 5 }, '--replicas=5'],
        ['storage', { storage: 'memory' }, { history: 5 }, `${anew} --history=5`],
        ['discard', { discard: 'old', max_bytes: 1_000_000 }, {}, 'nats stream edit KV_b --discard=new'],
        ['discard', { discard: 'old', max_msgs: 1000 }, {}, 'nats stream edit KV_b --discard=new'],
        ['persist_mode', { persist_mode: 'async' }, {}, anew],
        ['sources', { sources: [{ name: 'KV_other' }] }, {}, 'nats stream edit KV_b --interactive']
    ])('%s endangers one, %#', (setting, actual, options, mend) => {
        expect(differencesWith(actual, options)).toEqual([
            expect.objectContaining({ setting, severity: 'endangers', mend: expect.stringContaining(mend) })
        ]);
    });

    test('one replica endangers one where there could be more, also when it was asked for', () => {
        const [difference] = differencesWith({}, {}, { isClustered: true });
        expect(difference).toMatchObject({ setting: 'replicas', actual: '1', wanted: '3', severity: 'endangers' });
        expect(differencesWith({ num_replicas: 2 }, {}, { isClustered: true })).toEqual([
            expect.objectContaining({ setting: 'replicas', severity: 'differs' })
        ]);
    });

    test.each<[string, Partial<StreamConfig>, Partial<NatsKvBucketConfig>]>([
        ['ttlMs', { max_age: 3000 * NANOS_PER_MS }, { ttlMs: 2000 }],
        ['ttlMs', { max_age: 0 }, { ttlMs: 2000 }],
        ['history', { max_msgs_per_subject: 64 }, {}],
        ['replicas', { num_replicas: 3 }, {}],
        ['storage', { storage: 'file' }, { storage: 'memory' }],
        ['allow_direct', { allow_direct: false }, { readConsistency: 'any' }]
    ])('%s is worth a line in the log, %#', (setting, actual, options) => {
        expect(differencesWith(actual, options)).toEqual([expect.objectContaining({ setting, severity: 'differs' })]);
    });

    test.each<[string, Partial<StreamConfig>]>([
        ['a size limit above what is asked for', { max_msg_size: 10_000 }],
        ['discarding the oldest where there is no limit', { discard: 'old' }],
        ['no direct reads where the leader answers', { allow_direct: false }],
        ['settings that concern nobody here', { deny_purge: true, allow_rollup_hdrs: false, metadata: { a: 'b' } }]
    ])("%s is nobody's concern", (_, actual) => {
        expect(differencesWith(actual)).toEqual([]);
    });
});

test('all differences are told, in words', () => {
    const differences = differencesWith({ max_age: 60_000 * NANOS_PER_MS, num_replicas: 3 });
    expect(differences.map(describeDifference)).toEqual([
        'ttlMs is 60000 instead of 0: watermarks vanish before their time (to mend it: nats stream edit KV_b --max-age=0s)',
        'replicas is 3 instead of 1: the bucket survives as many failures as it has replicas for ' +
            '(to mend it: set the option replicas to 3)'
    ]);
});
