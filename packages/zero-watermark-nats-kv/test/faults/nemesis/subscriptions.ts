import type { NatsCluster } from '../../../src/testing.js';
import { connectionsOf } from '../../support/monitor.js';
import { now } from './recording.js';

/** How many subscriptions a client had, as the servers count them. */
export interface SubscriptionSample {
    readonly client: string;
    readonly atMs: number;
    readonly subscriptions: number;
}

/** Asks the nodes every now and then which client has how many subscriptions. */
export class SubscriptionCount {
    readonly samples: SubscriptionSample[] = [];
    readonly #cluster: NatsCluster;
    readonly #timer: NodeJS.Timeout;

    constructor(cluster: NatsCluster, everyMs: number) {
        this.#cluster = cluster;
        this.#timer = setInterval(() => void this.#ask(), everyMs);
    }

    stop(): void {
        clearInterval(this.#timer);
    }

    async #ask(): Promise<void> {
        const awake = this.#cluster.nodes.filter(node => node.running && !node.paused);
        // A node that goes meanwhile does not answer; the next time tells.
        const answers = await Promise.all(awake.map(node => connectionsOf(node).catch(() => [])));
        for (const { name, subscriptions } of answers.flat()) {
            if (/^c\d+\.\d+$/.test(name)) {
                this.samples.push({ client: name, atMs: now(), subscriptions: subscriptions.length });
            }
        }
    }
}
