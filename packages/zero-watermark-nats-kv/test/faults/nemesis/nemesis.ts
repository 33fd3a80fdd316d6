import { setTimeout as wait } from 'node:timers/promises';

import type { NatsCluster, NatsServer, TcpProxy } from '../../../src/testing.js';
import type { Administrator } from '../../support/administrator.js';
import { restartInTurn } from '../../support/rolling-restart.js';
import type { Client } from './clients.js';
import { now } from './recording.js';
import type { Fault, FaultKind, Lane, NodeChoice, Schedule, ScheduledFault } from './schedule.js';

/** A fault as it was injected. */
export interface InjectedFault {
    readonly fault: Fault;
    readonly beganMs: number;
    readonly endedMs: number;
    /** What it did to whom, where the schedule leaves that open. */
    readonly note?: string;
}

/** A fault that could not be injected, and why. */
class Missed extends Error {}

/** On whom faults are inflicted. */
export interface Stage {
    readonly cluster: NatsCluster;
    /** What nodes are upgraded to. */
    readonly upgradeTo: string;
    readonly administrator: Administrator;
    /** The same, as a user of the system account. */
    readonly system: Administrator;
    readonly clients: readonly Client[];
    readonly bucket: string;
    readonly shardBucket: string;
}

/** How long to look for a leader. */
const LEADER_MS = 3_000;

/** Carries out a schedule. */
export class Nemesis {
    readonly injected: InjectedFault[] = [];
    /** Those that could not be, with the reason as their note. */
    readonly missed: InjectedFault[] = [];
    readonly #stage: Stage;
    readonly #report: (fault: InjectedFault) => void;

    constructor(stage: Stage, report: (fault: InjectedFault) => void = () => {}) {
        this.#stage = stage;
        this.#report = report;
    }

    /** Resolves when all of it has been done, and everybody runs and reaches everybody again. */
    async run(schedule: Schedule): Promise<void> {
        const startedAt = performance.now();
        const sorts: readonly (readonly ScheduledFault[])[] = Object.values(schedule);
        await Promise.all(sorts.map(faults => this.#inTurn(faults, startedAt)));
        await this.#stage.cluster.waitUntilReady(120_000);
    }

    get kinds(): ReadonlyMap<FaultKind, number> {
        const counts = new Map<FaultKind, number>();
        for (const { fault } of this.injected) {
            counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
        }
        return counts;
    }

    async #inTurn(faults: readonly ScheduledFault[], startedAt: number): Promise<void> {
        for (const { atMs, fault } of faults) {
            await wait(Math.max(0, startedAt + atMs - performance.now()));
            const beganMs = now();
            const note = await this.#inject(fault).catch((error: unknown) => {
                if (error instanceof Missed) {
                    return error;
                }
                throw error;
            });
            const isMissed = note instanceof Missed;
            const text = isMissed ? note.message : note;
            const injected = { fault, beganMs, endedMs: now(), ...(text === undefined ? {} : { note: text }) };
            (isMissed ? this.missed : this.injected).push(injected);
            this.#report(injected);
        }
    }

    async #inject(fault: Fault): Promise<string | undefined> {
        const { cluster, clients, upgradeTo } = this.#stage;
        switch (fault.kind) {
            case 'kill-node': {
                const node = await this.#node(fault.node);
                await node.kill();
                await wait(fault.downMs);
                await node.restart();
                return node.name;
            }
            case 'pause-node': {
                const node = await this.#node(fault.node);
                node.pause();
                await wait(fault.forMs);
                node.resume();
                return node.name;
            }
            case 'kill-all-nodes':
                await Promise.all(cluster.nodes.map(node => node.kill()));
                await wait(fault.downMs);
                await Promise.all(cluster.nodes.map(node => node.restart()));
                return undefined;
            case 'rolling-restart':
                await restartInTurn(cluster);
                return undefined;
            case 'upgrade-nodes': {
                const [before] = cluster.nodes.map(({ version }) => version);
                await Promise.all(cluster.nodes.map(node => node.kill('SIGTERM')));
                await Promise.all(cluster.nodes.map(node => node.restart({ binary: upgradeTo })));
                return `from ${before ?? 'nothing'} to ${cluster.nodes.map(({ version }) => version).join(', ')}`;
            }
            case 'step-down':
                return this.#stepDown(fault.of);
            case 'partition':
                return this.#misbehave(fault.lane, fault.forMs, proxy =>
                    fault.noticed ? proxy.cut() : proxy.blackhole()
                );
            case 'drop-answers':
                return this.#misbehave(fault.lane, fault.forMs, proxy => proxy.dropAnswers());
            case 'slow-network':
                return this.#misbehave(fault.lane, fault.forMs, proxy => proxy.delay(fault.latencyMs, fault.jitterMs));
            case 'kill-client': {
                const client = clients[fault.client];
                await client?.kill();
                await wait(fault.downMs);
                client?.start();
                return undefined;
            }
        }
    }

    async #misbehave(lane: Lane, forMs: number, how: (proxy: TcpProxy) => void): Promise<undefined> {
        const ways = this.#stage.clients.flatMap(client => client.waysIn(lane));
        ways.forEach(how);
        await wait(forMs);
        ways.forEach(proxy => proxy.heal());
    }

    /** During an outage there may be nobody who could step down. */
    async #stepDown(of: 'meta' | 'watermarks' | 'shard'): Promise<undefined> {
        const { administrator, system, bucket, shardBucket } = this.#stage;
        try {
            await (of === 'meta'
                ? system.stepDownMeta()
                : administrator.stepDown(of === 'watermarks' ? bucket : shardBucket));
        } catch (error) {
            throw new Missed(`nobody stepped down: ${String(error)}`);
        }
    }

    async #node(choice: NodeChoice): Promise<NatsServer> {
        const { cluster, administrator, bucket } = this.#stage;
        const late = wait(LEADER_MS, undefined, { ref: false });
        const leader =
            choice === 'leader' ? await Promise.race([administrator.leaderOf(bucket, cluster), late]) : undefined;
        const node = leader ?? cluster.nodes[typeof choice === 'number' ? choice : 0];
        if (node === undefined) {
            throw new RangeError(`There is no node ${String(choice)} in a cluster of ${cluster.nodes.length}.`);
        }
        return node;
    }
}
