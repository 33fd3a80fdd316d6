import {
    jetstream,
    type JetStreamManager,
    type JsMsg,
    jetstreamManager,
    RetentionPolicy,
    StorageType
} from '@nats-io/jetstream';
import { connect, type NatsConnection, RequestError } from '@nats-io/transport-node';

import type { NatsCluster, NatsServer } from '../../src/testing.js';
import { onceReachable } from './backends.js';

/** A message as it is kept, for looking at what writes really did. */
export interface KeptMessage {
    readonly revision: number;
    readonly key: string;
    /** `undefined`: the mark of a deletion. */
    readonly version: string | undefined;
}

/** A resume token as it is kept. */
export interface KeptToken {
    readonly sequence: number;
    readonly token: string;
    /** Whether it is a sync's. */
    readonly sync: boolean;
}

/** How many messages are asked for at once. */
const MOST_FETCHED = 10_000;

/** Somebody who manages the servers with the plain client, beside the stores under test. */
export class Administrator implements AsyncDisposable {
    readonly nc: NatsConnection;

    private constructor(nc: NatsConnection) {
        this.nc = nc;
    }

    static async connect(urls: readonly string[], user?: { user: string; pass: string }): Promise<Administrator> {
        const options = { maxReconnectAttempts: -1, reconnectTimeWait: 100, timeout: 2_000, ...user };
        return new Administrator(await connect({ servers: [...urls], ...options }));
    }

    /** Makes a bucket that forgets nothing, so that each write that was ever applied can be counted. */
    async createUnlimitedBucket(bucket: string, replicas: number): Promise<void> {
        const manager = await this.#manager();
        const config = {
            name: `KV_${bucket}`,
            subjects: [`$KV.${bucket}.>`],
            num_replicas: replicas,
            retention: RetentionPolicy.Limits,
            storage: StorageType.File,
            max_msgs_per_subject: -1,
            allow_rollup_hdrs: true,
            allow_direct: true,
            deny_delete: true
        };
        await onceReachable(() => manager.streams.add(config));
    }

    /** Makes a bucket like ours, but for some settings, as the server takes them. */
    async createBucket(bucket: string, settings: object): Promise<void> {
        await this.#configure('CREATE', bucket, settings);
    }

    /** Changes a bucket to what {@link createBucket} makes of these settings. */
    async changeBucket(bucket: string, settings: object): Promise<void> {
        await this.#configure('UPDATE', bucket, settings);
    }

    /** Lets a bucket take no message that is larger, whatever else its settings are. */
    async lowerRecordSize(bucket: string, maxBytes: number): Promise<void> {
        const manager = await this.#manager();
        await manager.streams.update(`KV_${bucket}`, { max_msg_size: maxBytes });
    }

    async deleteBucket(bucket: string): Promise<void> {
        const manager = await this.#manager();
        await manager.streams.delete(`KV_${bucket}`);
    }

    /** Stores a record as another client would. */
    async put(bucket: string, key: string, version: string): Promise<number> {
        const record = JSON.stringify({ format: 1, version });
        return (await jetstream(this.nc).publish(`$KV.${bucket}.${key}`, record)).seq;
    }

    /** How many writes a bucket has ever taken; with `atLeast`, once it is that many. */
    async lastRevision(bucket: string, atLeast = 0): Promise<number> {
        const manager = await this.#manager();
        for (;;) {
            const info = await manager.streams.info(`KV_${bucket}`).catch(() => undefined);
            if (info !== undefined && info.state.last_seq >= atLeast) {
                return info.state.last_seq;
            }
            await new Promise(resolve => setTimeout(resolve, 5));
        }
    }

    /** The buckets that there are; waits until there are servers that can say. */
    async buckets(): Promise<string[]> {
        for (;;) {
            try {
                const manager = await this.#manager();
                const buckets: string[] = [];
                for await (const name of manager.streams.names()) {
                    buckets.push(name.replace(/^KV_/, ''));
                }
                return buckets;
            } catch (error) {
                if (!(error instanceof RequestError)) {
                    throw error;
                }
            }
            await new Promise(resolve => setTimeout(resolve, 100));
        }
    }

    /** How many messages a bucket keeps. */
    async countOf(bucket: string): Promise<number> {
        const manager = await this.#manager();
        return (await manager.streams.info(`KV_${bucket}`)).state.messages;
    }

    /** Everything that a bucket keeps, oldest first. */
    async messagesOf(bucket: string): Promise<KeptMessage[]> {
        return (await this.#read(bucket)).map(message => {
            const deleted = message.headers?.has('KV-Operation') === true;
            const record = deleted ? {} : message.json<{ version?: string }>();
            const key = message.subject.slice(`$KV.${bucket}.`.length);
            return { revision: message.seq, key, version: record.version };
        });
    }

    /** All resume tokens that a shard's bucket keeps, oldest first. */
    async tokensOf(bucket: string): Promise<KeptToken[]> {
        return (await this.#read(bucket)).flatMap(message => {
            const { subject, seq: sequence } = message;
            const key = subject.slice(`$KV.${bucket}.`.length);
            return key.startsWith('marker.')
                ? []
                : [{ sequence, token: message.string(), sync: key.startsWith('sync.') }];
        });
    }

    /** Waits until there are servers that can say. */
    async #read(bucket: string): Promise<JsMsg[]> {
        for (;;) {
            try {
                return await this.#readOnce(bucket);
            } catch (error) {
                // The client has a class for what comes in place of a message, and keeps it for itself.
                const name = error instanceof Error ? error.name : '';
                if (name !== 'JetStreamStatusError' && !(error instanceof RequestError)) {
                    throw error;
                }
            }
            await new Promise(resolve => setTimeout(resolve, 100));
        }
    }

    async #readOnce(bucket: string): Promise<JsMsg[]> {
        const stream = `KV_${bucket}`;
        const manager = await this.#manager();
        const kept: JsMsg[] = [];
        const consumer = await jetstream(this.nc).consumers.get(stream);
        let left = (await manager.streams.info(stream)).state.messages;
        while (left > 0) {
            const fetched = await consumer.fetch({ max_messages: Math.min(left, MOST_FETCHED), expires: 5_000 });
            for await (const message of fetched) {
                kept.push(message);
                // What is still to come may become less while it is read.
                left = message.info.pending;
            }
        }
        return kept;
    }

    /** Lets another node lead the bucket's stream. */
    async stepDown(bucket: string): Promise<void> {
        await this.nc.request(`$JS.API.STREAM.LEADER.STEPDOWN.KV_${bucket}`, '', { timeout: 5_000 });
    }

    /** Lets another node lead JetStream's metadata; only users of the system account may ask for it. */
    async stepDownMeta(): Promise<void> {
        await this.nc.request('$JS.API.META.LEADER.STEPDOWN', '', { timeout: 5_000 });
    }

    /** The node that leads the bucket's stream; waits until there is one that can be asked. */
    async leaderOf(bucket: string, cluster: NatsCluster): Promise<NatsServer> {
        for (;;) {
            const manager = await this.#manager();
            const info = await manager.streams.info(`KV_${bucket}`).catch(() => undefined);
            const node = cluster.nodes.find(({ name }) => name === info?.cluster?.leader);
            if (node !== undefined) {
                return node;
            }
            await new Promise(resolve => setTimeout(resolve, 50));
        }
    }

    /** The nodes that host a consumer of the bucket. */
    async consumerHosts(bucket: string, cluster: NatsCluster): Promise<NatsServer[]> {
        const manager = await this.#manager();
        const names = new Set<string>();
        for await (const consumer of manager.consumers.list(`KV_${bucket}`)) {
            names.add(consumer.cluster?.leader ?? '');
        }
        return cluster.nodes.filter(({ name }) => names.has(name));
    }

    async #configure(action: 'CREATE' | 'UPDATE', bucket: string, settings: object): Promise<void> {
        const config = {
            ...{ name: `KV_${bucket}`, subjects: [`$KV.${bucket}.>`], max_msgs_per_subject: 1, discard: 'new' },
            ...{ allow_rollup_hdrs: true, deny_delete: true, allow_direct: true },
            ...settings
        };
        const subject = `$JS.API.STREAM.${action}.KV_${bucket}`;
        const answer = (await this.nc.request(subject, JSON.stringify(config), { timeout: 10_000 })).json<object>();
        if ('error' in answer) {
            throw new Error(`The server refuses the settings: ${JSON.stringify(answer.error)}`);
        }
    }

    /** What is lost while this connection is being made anew is soon asked again. */
    #manager(): Promise<JetStreamManager> {
        return jetstreamManager(this.nc, { checkAPI: false, timeout: 1_000 });
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.nc.close();
    }
}
