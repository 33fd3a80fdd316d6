import {
    NANOS_PER_MS,
    SMALLEST_RECORD_BYTES,
    streamOfBucket,
    subjectPrefixOfBucket,
    wantedStreamConfig
} from './bucket-config.js';
import type { StreamConfig } from './jetstream-answers.js';
import type { ResolvedNatsKvConfig } from './options.js';

/**
 * What a difference does to the promises of this library: `breaks`, so that the bucket cannot be used at all;
 * `endangers`, so that they hold only as long as nothing goes wrong; or nothing (`differs`).
 */
export type Severity = 'breaks' | 'endangers' | 'differs';

/** A setting in which a bucket differs from what was asked for, or from what our promises need. */
export interface BucketDifference {
    readonly setting: string;
    readonly wanted: string;
    readonly actual: string;
    /** What follows from it for the application. */
    readonly consequence: string;
    readonly severity: Severity;
    /** What to do about it: as a rule a command of the NATS command line client, with the bucket's own name. */
    readonly mend: string;
}

/** What has to be known beside the stream's configuration. */
export interface BucketSituation {
    /** Whether the stream is on a cluster, where other servers could keep copies of it. */
    readonly isClustered: boolean;
    /** Whether entries will have to be purged. */
    readonly isPurged: boolean;
}

/** Compares a bucket that is there with what was asked for. */
export function compareBucket(
    config: ResolvedNatsKvConfig,
    actual: StreamConfig,
    situation: BucketSituation
): BucketDifference[] {
    return [
        ...findWhatIsStoredElsewhere(config, actual),
        ...findWhatVanishes(config, actual),
        ...findWhatIsLostWithServers(config, actual, situation),
        ...findWhatIsRefused(config, actual, situation),
        ...findWhatIsOnlyDifferent(config, actual)
    ];
}

/** One sentence a difference, for logs and messages. */
export function describeDifference({ setting, wanted, actual, consequence, mend }: BucketDifference): string {
    return `${setting} is ${actual} instead of ${wanted}: ${consequence} (to mend it: ${mend})`;
}

/** Writes that go nowhere, or to another place, and entries that come from one. */
function* findWhatIsStoredElsewhere(config: ResolvedNatsKvConfig, actual: StreamConfig): Iterable<BucketDifference> {
    const { bucket } = config;
    const subjects = `${subjectPrefixOfBucket(bucket)}>`;
    if (actual.mirror !== undefined) {
        yield {
            ...{ setting: 'mirror', wanted: 'none', actual: actual.mirror.name, severity: 'breaks' },
            consequence: 'writes would go nowhere: a mirror is read-only',
            mend: `${edit(config, `--no-mirror --subjects='${subjects}'`)}, from nats-server 2.12 on; before: ${makeAnew(config)}`
        };
    } else if (actual.subjects?.includes(subjects) !== true) {
        yield {
            ...{ setting: 'subjects', wanted: subjects, actual: String(actual.subjects ?? 'none'), severity: 'breaks' },
            consequence: 'watermarks would not be stored in it',
            mend: edit(config, `--subjects='${subjects}'`)
        };
    }
    if (actual.subject_transform !== undefined) {
        yield {
            ...{ setting: 'subject_transform', wanted: 'none', severity: 'breaks' },
            actual: `${actual.subject_transform.src} to ${actual.subject_transform.dest}`,
            consequence: 'watermarks would be stored under other keys',
            mend: edit(config, '--no-transform')
        };
    }
    if (actual.sources !== undefined && actual.sources.length > 0) {
        yield {
            ...{ setting: 'sources', wanted: 'none', severity: 'endangers' },
            actual: actual.sources.map(({ name }) => name).join(', '),
            consequence: 'what comes from there is stored whatever the condition of a write here was',
            mend: edit(config, '--interactive, without sources')
        };
    }
}

/** Entries that the servers remove by themselves. */
function* findWhatVanishes(config: ResolvedNatsKvConfig, actual: StreamConfig): Iterable<BucketDifference> {
    const wanted = wantedStreamConfig(config);
    if (actual.retention !== undefined && actual.retention !== wanted.retention) {
        yield {
            ...{ setting: 'retention', wanted: 'limits', actual: actual.retention, severity: 'breaks' },
            consequence: 'watermarks would vanish once they were read',
            mend: makeAnew(config)
        };
    }
    const [maxAge, wantedAge] = [actual.max_age ?? 0, wanted.max_age ?? 0];
    if (maxAge !== wantedAge) {
        const isShorter = maxAge !== 0 && (wantedAge === 0 || maxAge < wantedAge);
        yield {
            ...{ setting: 'ttlMs', wanted: String(config.ttlMs), actual: String(maxAge / NANOS_PER_MS) },
            severity: isShorter ? 'breaks' : 'differs',
            consequence: isShorter ? 'watermarks vanish before their time' : 'watermarks live longer than asked for',
            mend: edit(config, `--max-age=${config.ttlMs === 0 ? '0s' : `${config.ttlMs}ms`}`)
        };
    }
    const isLimited = (actual.max_bytes ?? -1) > 0 || (actual.max_msgs ?? -1) > 0;
    if (actual.discard !== 'new' && isLimited) {
        yield {
            ...{ setting: 'discard', wanted: 'new', actual: actual.discard ?? 'old', severity: 'endangers' },
            consequence: 'a full bucket drops its oldest watermarks without a word',
            mend: edit(config, '--discard=new')
        };
    }
}

/** What acknowledged writes do not survive, although they could. */
function* findWhatIsLostWithServers(
    config: ResolvedNatsKvConfig,
    actual: StreamConfig,
    { isClustered }: BucketSituation
): Iterable<BucketDifference> {
    if (actual.persist_mode === 'async') {
        yield {
            ...{ setting: 'persist_mode', wanted: 'default', actual: 'async', severity: 'endangers' },
            consequence: 'acknowledged writes are lost when its server is killed',
            mend: moveToNew(config)
        };
    }
    const [replicas, storage] = [actual.num_replicas ?? 1, actual.storage ?? 'file'];
    if (replicas < config.replicas || (isClustered && replicas === 1)) {
        const needed = config.replicas === 1 ? 3 : config.replicas;
        yield {
            ...{ setting: 'replicas', wanted: String(needed), actual: String(replicas), severity: 'endangers' },
            consequence:
                replicas === 1
                    ? 'without its only server nothing can be read or written, and with its disk all is lost'
                    : 'the bucket survives fewer failures than asked for',
            mend: edit(config, `--replicas=${needed}`)
        };
    } else if (replicas !== config.replicas && replicas > 1) {
        yield {
            ...{ setting: 'replicas', wanted: String(config.replicas), actual: String(replicas), severity: 'differs' },
            consequence: 'the bucket survives as many failures as it has replicas for',
            mend: `set the option replicas to ${replicas}`
        };
    }
    if (storage !== config.storage) {
        const isMemory = storage === 'memory';
        yield {
            ...{ setting: 'storage', wanted: config.storage, actual: storage },
            severity: isMemory ? 'endangers' : 'differs',
            consequence: isMemory ? 'all watermarks are lost when the servers restart' : 'it is slower than memory',
            mend: isMemory ? moveToNew(config) : 'leave out the option storage'
        };
    }
}

/** Requests that the servers refuse, or never answer. */
function* findWhatIsRefused(
    config: ResolvedNatsKvConfig,
    actual: StreamConfig,
    { isPurged }: BucketSituation
): Iterable<BucketDifference> {
    if (actual.sealed === true) {
        yield {
            ...{ setting: 'sealed', wanted: 'false', actual: 'true', severity: 'breaks' },
            consequence: 'nothing can be written',
            mend: makeAnew(config)
        };
    }
    if (actual.no_ack === true) {
        yield {
            ...{ setting: 'no_ack', wanted: 'false', actual: 'true', severity: 'breaks' },
            consequence: 'no write would ever be acknowledged',
            mend: edit(config, '--ack')
        };
    }
    if (actual.discard_new_per_subject === true) {
        yield {
            ...{ setting: 'discard_new_per_subject', wanted: 'false', actual: 'true', severity: 'breaks' },
            consequence: 'a watermark could not be written again',
            mend: edit(config, '--no-discard-per-subject')
        };
    }
    if (actual.deny_purge === true && actual.sealed !== true && isPurged) {
        yield {
            ...{ setting: 'deny_purge', wanted: 'false', actual: 'true', severity: 'breaks' },
            consequence: 'resume tokens could never be removed, and a shard whose history is lost could not go on',
            mend: makeAnew(config)
        };
    }
    const maxSize = actual.max_msg_size ?? -1;
    const wantedSize = config.maxValueSizeBytes ?? SMALLEST_RECORD_BYTES;
    if (maxSize !== -1 && maxSize < wantedSize) {
        yield {
            ...{ setting: 'maxValueSizeBytes', wanted: String(wantedSize), actual: String(maxSize) },
            severity: 'breaks',
            consequence: 'records of that size would be refused',
            mend: edit(config, `--max-msg-size=${config.maxValueSizeBytes ?? -1}`)
        };
    }
}

/** What promises do not depend on. */
function* findWhatIsOnlyDifferent(config: ResolvedNatsKvConfig, actual: StreamConfig): Iterable<BucketDifference> {
    const perSubject = actual.max_msgs_per_subject ?? -1;
    if (perSubject !== config.history) {
        yield {
            ...{ setting: 'history', wanted: String(config.history), actual: String(perSubject), severity: 'differs' },
            consequence: 'history() gives as many revisions as the bucket keeps',
            mend: edit(config, `--max-msgs-per-subject=${config.history}`)
        };
    }
    if (config.readConsistency === 'any' && actual.allow_direct !== true) {
        yield {
            ...{ setting: 'allow_direct', wanted: 'true', actual: 'false', severity: 'differs' },
            consequence: 'reads go to the leader although readConsistency is "any"',
            mend: edit(config, '--allow-direct')
        };
    }
}

function edit({ bucket }: ResolvedNatsKvConfig, flags: string): string {
    return `nats stream edit ${streamOfBucket(bucket)} ${flags}`;
}

/** For what can't be changed in a stream that is there, but can be used, and so be exported. */
function moveToNew(config: ResolvedNatsKvConfig): string {
    return `export what it holds (docs/moving.md), then ${makeAnew(config)}`;
}

/** For what can't be changed in a stream that is there. What it holds goes with it. */
function makeAnew({ bucket, replicas, history }: ResolvedNatsKvConfig): string {
    const flags = `--storage=file --replicas=${replicas}${history === 1 ? '' : ` --history=${history}`}`;
    return `nats kv del ${bucket} && nats kv add ${bucket} ${flags}`;
}
