import { setTimeout as wait } from 'node:timers/promises';
import { NatsServerError } from './errors.js';
import { freePorts } from './free-ports.js';
import { missingInCluster, viewOf } from './monitoring.js';
import type { NodeView } from './monitoring.js';
import { isPortTaken, randomName, startNode } from './nats-server.js';
import type { ManagedServer } from './nats-server.js';
import type { NatsCluster, NatsClusterOptions, NatsServer } from './types.js';

/** How often other ports are tried when one was taken between choosing and using it. */
const MOST_TRIES = 5;
const DEFAULT_READY_MS = 30_000;
/** Between two questions, and before the first: most routes are made by then, and questions disturb (see START_TRY_MS). */
const POLL_MS = 150;
/**
 * A cluster that is not ready after this is started anew, while there is time: now and then a node of 2.10.27 falls silent
 * for good while all solicit routes of each other at once ("Duplicate Route" is the last that it logs).
 */
const START_TRY_MS = 10_000;
/** A node that takes longer for an answer about itself is busy or held; it is asked again. */
const ANSWER_MS = 2_000;

/**
 * Starts real nats-servers that form a JetStream cluster, each on free ports of 127.0.0.1 with a store of its own.
 *
 * Resolves when all nodes are routed to each other, healthy and have elected a meta leader; three nodes take one to two
 * seconds. Clients that connect to one node are told the addresses of the others. The nodes end as a single test server
 * does, see {@link startNatsServer}. A cluster of one is a single server without routes, because NATS forms none of one.
 *
 * @param size how many nodes, from 1 on
 * @throws {NatsServerError} when a node does not start or the cluster does not get ready; nothing is left behind then
 */
export async function startNatsCluster(size: number, options: NatsClusterOptions = {}): Promise<NatsCluster> {
    if (!Number.isSafeInteger(size) || size < 1) {
        throw new TypeError(`A cluster has 1 node or more, got ${String(size)}`);
    }
    const { startTimeoutMs = DEFAULT_READY_MS, jetstream = true, name = randomName() } = options;
    const deadline = performance.now() + startTimeoutMs;
    for (;;) {
        const nodes = await startNodes(size, { ...options, name, startTimeoutMs });
        const cluster = new ManagedCluster(name, nodes, jetstream);
        try {
            await cluster.waitUntilReady(Math.min(START_TRY_MS, deadline - performance.now()));
            return cluster;
        } catch (error) {
            await cluster.stop();
            if (deadline - performance.now() < START_TRY_MS / 2) {
                throw error;
            }
        }
    }
}

async function startNodes(size: number, options: NatsClusterOptions & { name: string }): Promise<ManagedServer[]> {
    for (let tries = 1; ; tries += 1) {
        const routePorts = await freePorts(size);
        const starts = routePorts.map((port, index) =>
            startNode(
                { ...options, name: `${options.name}-${index + 1}` },
                size === 1 ? undefined : { name: options.name, port, routePorts }
            )
        );
        const results = await Promise.allSettled(starts);
        const failures: unknown[] = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []));
        const nodes = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
        if (failures.length === 0) {
            return nodes;
        }
        await Promise.all(nodes.map(node => node.stop()));
        const other = failures.find(failure => !isPortTaken(failure));
        if (other !== undefined || tries === MOST_TRIES) {
            throw other ?? failures[0];
        }
    }
}

class ManagedCluster implements NatsCluster {
    readonly #jetstream: boolean;

    constructor(
        readonly name: string,
        readonly nodes: readonly NatsServer[],
        jetstream: boolean
    ) {
        this.#jetstream = jetstream;
    }

    get urls(): readonly string[] {
        return this.nodes.map(node => node.url);
    }

    async metaLeader(): Promise<NatsServer | undefined> {
        const views = await this.#views(ANSWER_MS);
        const [single] = this.nodes;
        if (this.nodes.length === 1 && single) {
            return this.#jetstream && views.get(single.name)?.healthy ? single : undefined;
        }
        const counts = new Map<string, number>();
        for (const leader of [...views.values()].flatMap(view => view?.metaLeader ?? [])) {
            counts.set(leader, (counts.get(leader) ?? 0) + 1);
        }
        const agreed = [...counts].find(([, count]) => count > this.nodes.length / 2)?.[0];
        return this.nodes.find(node => node.name === agreed);
    }

    async waitUntilReady(timeoutMs: number = DEFAULT_READY_MS): Promise<void> {
        const deadline = performance.now() + timeoutMs;
        await wait(Math.min(POLL_MS, timeoutMs));
        for (;;) {
            const missing = await this.#missing(Math.max(1, Math.min(ANSWER_MS, deadline - performance.now())));
            if (missing === undefined) {
                return;
            }
            if (performance.now() > deadline) {
                throw new NatsServerError(
                    'ERR_NATS_SERVER_TIMEOUT',
                    `The NATS cluster ${this.name} was not ready within ${Math.round(timeoutMs)} ms: ${missing}.${this.#logs()}`
                );
            }
            await wait(POLL_MS);
        }
    }

    async #missing(timeoutMs: number): Promise<string | undefined> {
        const views = await this.#views(timeoutMs);
        if (views.size === 0) {
            return 'no node runs';
        }
        if (this.nodes.length > 1) {
            return missingInCluster(views, this.nodes.length, this.#jetstream);
        }
        return views.get(this.nodes[0]?.name ?? '')?.healthy ? undefined : 'the only node is not healthy';
    }

    async #views(timeoutMs: number): Promise<Map<string, NodeView | undefined>> {
        const awake = this.nodes.filter(node => node.running && !node.paused);
        const clustered = this.#jetstream && this.nodes.length > 1;
        const views = awake.map(async node => {
            const view = await viewOf(node.monitorUrl, clustered, timeoutMs).catch(() => undefined);
            return [node.name, view] as const;
        });
        return new Map(await Promise.all(views));
    }

    #logs(): string {
        return this.nodes.map(node => `\nThe last lines of ${node.name}:\n${node.logs(5)}`).join('');
    }

    async stop(): Promise<void> {
        await Promise.all(this.nodes.map(node => node.stop()));
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.stop();
    }
}
