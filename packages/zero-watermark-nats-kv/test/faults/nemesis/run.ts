import { setTimeout as wait } from 'node:timers/promises';

import { bucketOfShard } from '../../../src/shard-name.js';
import { openWatermarkStore } from '../../../src/store.js';
import { startNatsCluster } from '../../../src/testing.js';
import { natsServers } from '../../nats-binaries.js';
import { Administrator } from '../../support/administrator.js';
import type { History } from '../history/history.js';
import { startClients, type Workload } from './clients.js';
import { readFinalState, untoldStates } from './final-state.js';
import { type InjectedFault, Nemesis } from './nemesis.js';
import { now, Recording } from './recording.js';
import { commonStalls, type Stall, StallWatch, withoutStalls } from './stalls.js';
import { type SubscriptionSample, SubscriptionCount } from './subscriptions.js';
import { makeSchedule, type ScheduleOptions } from './schedule.js';

export interface RunOptions extends Workload {
    readonly seed: number;
    readonly durationMs: number;
    readonly clients: number;
    readonly gapsMs: ScheduleOptions['gapsMs'];
    readonly timeoutMs: number;
    /** The servers to begin with; with the oldest ones, whether they are upgraded in the course of the run. */
    readonly servers: 'oldest' | 'newest' | 'upgraded';
    /** The run goes on until so many calls have been made, also when the schedule is over. */
    readonly atLeastCalls: number;
    /** How many revisions of a key the bucket keeps. */
    readonly history: number;
    readonly report?: (event: InjectedFault | string) => void;
}

/** What a run has shown. */
export interface Run {
    readonly seed: number;
    readonly startedAtMs: number;
    readonly endedAtMs: number;
    readonly history: History;
    readonly injected: readonly InjectedFault[];
    /** Faults that could not be injected. */
    readonly missed: readonly InjectedFault[];
    /** When the machine stood still. Its time is not in the history. */
    readonly stalls: readonly Stall[];
    readonly recording: Recording;
    readonly subscriptions: readonly SubscriptionSample[];
    /** How long it took until the last watcher had been told everything, after the last call. */
    readonly restMs: number;
    readonly versions: { readonly from: string; readonly to: string };
}

const NODES = 3;
const BUCKET = 'faults';

/** That of the store whose shards are abandoned and cleared. */
const ENDING_BUCKET = 'endings';

/** How long watchers may take until they have been told everything, once all is well again. */
const REST_MS = 30_000;

/** A user of the system account, who may have the meta leader step down; all others need no name. */
const SYSTEM = { user: 'system', pass: 'system' };
const ACCOUNTS = `
    accounts {
        $SYS { users: [{ user: ${SYSTEM.user}, password: ${SYSTEM.pass} }] }
        APP { jetstream: enabled, users: [{ user: app, password: app }] }
    }
    no_auth_user: app
`;

/** Has clients work on a cluster while the schedule of the seed is carried out, and gives back all that happened. */
export async function runFaults(options: RunOptions): Promise<Run> {
    const { seed, durationMs, report = () => {}, timeoutMs, servers } = options;
    const { newest, oldest } = natsServers();
    await using cluster = await startNatsCluster(NODES, {
        binary: (servers === 'newest' ? newest : oldest).path,
        config: ACCOUNTS,
        startTimeoutMs: 60_000
    });
    await using administrator = await Administrator.connect(cluster.urls);
    await using system = await Administrator.connect(cluster.urls, SYSTEM);
    const store = {
        bucket: BUCKET,
        replicas: NODES,
        history: options.history,
        timeoutMs,
        retainTokens: 100,
        retainMs: 2_000
    };
    await makeBuckets({ ...store, servers: [...cluster.urls] }, options.shards.slice(0, 1));

    const recording = new Recording();
    const standing = new StallWatch(now);
    const subscriptions = new SubscriptionCount(cluster, options.sampleEveryMs);
    const startedAtMs = now();
    const clients = await startClients(
        options.clients,
        cluster.nodes,
        recording,
        { ...workloadOf(options), store, endingBucket: ENDING_BUCKET },
        seed
    );
    try {
        const shardBucket = bucketOfShard(BUCKET, options.shards[0] ?? '');
        const nemesis = new Nemesis(
            { cluster, administrator, system, clients, bucket: BUCKET, shardBucket, upgradeTo: newest.path },
            report
        );
        await nemesis.run(
            makeSchedule(seed, { ...options, nodes: NODES, durationMs, upgrade: servers === 'upgraded' })
        );
        report('all is well again');
        while (recording.operations.length < options.atLeastCalls) {
            await wait(100);
        }
        await Promise.all(clients.map(client => client.stop()));
        report('no calls are under way');
        const endedAtMs = now();
        const bucketOf = (shard: string) => (options.endingShards.includes(shard) ? ENDING_BUCKET : BUCKET);
        const used = await shardsOf(administrator, recording, bucketOf);
        const final = await readFinalState(administrator, BUCKET, used, bucketOf);
        const restMs = await rest(recording, final.finalStates);
        await Promise.all(clients.map(client => client.end()));
        const stalls = commonStalls(standing.stalls, recording.stalls);
        return {
            ...{ seed, startedAtMs, endedAtMs, restMs, recording },
            injected: nemesis.injected,
            missed: nemesis.missed,
            subscriptions: subscriptions.samples,
            versions: {
                from: (servers === 'newest' ? newest : oldest).version,
                to: (servers === 'oldest' ? oldest : newest).version
            },
            stalls,
            history: withoutStalls(
                {
                    timeoutMs,
                    operations: recording.operations,
                    watchers: recording.watchers,
                    observations: recording.observations,
                    ...final
                },
                stalls
            )
        };
    } finally {
        subscriptions.stop();
        standing.stop();
        await Promise.all(clients.map(client => client[Symbol.asyncDispose]()));
    }
}

/** Makes what must be there for leaders to be found. */
async function makeBuckets(
    options: Parameters<typeof openWatermarkStore>[0],
    shards: readonly string[]
): Promise<void> {
    await using store = await openWatermarkStore(options);
    await store.resumeTokens.provision(shards);
}

/** The shards that were used, and that some call has made. */
async function shardsOf(
    administrator: Administrator,
    { operations }: Recording,
    bucketOf: (shard: string) => string
): Promise<readonly string[]> {
    const used = new Set(operations.flatMap(({ call }) => ('shard' in call ? [call.shard] : [])));
    const made = new Set(await administrator.buckets());
    return [...used].filter(shard => made.has(bucketOfShard(bucketOf(shard), shard)));
}

/** Waits until every watcher that is still there has been told every final state; the checker judges those that are not. */
async function rest(recording: Recording, finalStates: History['finalStates']): Promise<number> {
    const beganAt = performance.now();
    while (
        untoldStates(recording.watchers, recording.observations, finalStates) > 0 &&
        performance.now() - beganAt < REST_MS
    ) {
        await wait(250);
    }
    return performance.now() - beganAt;
}

function workloadOf(options: RunOptions): Workload {
    const { callers, pauseMs, slots, generationMs, shards, shardEveryMs, acknowledgedShard } = options;
    const { watchEveryMs, sampleEveryMs, tokensASecond, endingShards, moveEveryMs } = options;
    return {
        ...{ callers, pauseMs, slots, generationMs, shards, shardEveryMs, acknowledgedShard },
        ...{ watchEveryMs, sampleEveryMs, tokensASecond, endingShards, moveEveryMs }
    };
}
