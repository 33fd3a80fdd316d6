import 'reflect-metadata';

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import type { NatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { NestFactory } from '@nestjs/core';

import { AppModule } from '../../src/app.module.js';
import { ChangeSourceServer } from '../../src/change-source.server.js';
import type { Config } from '../../src/config.js';
import type { SchemaSource } from '../../src/index.js';

export const SMALL_SCHEMA = {
    tables: {
        item: { primaryKey: ['id'], columns: { id: 'string', count: 'number', note: 'string?' } },
        tag: { primaryKey: ['item', 'rank'], columns: { item: 'string', rank: 'number', data: 'json' } }
    },
    publications: { items: ['item'], everything: ['item', 'tag'] }
} as const satisfies SchemaSource;

/** Writes are repeated, so none has to wait long for an answer that is lost. */
const WRITE_TIMEOUT_MS = 1_000;

/** Buckets of a test's own, and change sources on them, in this process. */
export class Playground implements AsyncDisposable {
    readonly #servers: readonly string[];
    readonly #connection: NatsConnection;
    readonly #name = randomUUID();
    readonly #applications: { close(): Promise<void> }[] = [];
    bucket: KV;

    static async open(servers: readonly string[]): Promise<Playground> {
        const connection = await connect({ servers: [...servers], maxReconnectAttempts: -1, reconnectTimeWait: 100 });
        const playground = new Playground(servers, connection);
        await playground.makeBucket();
        return playground;
    }

    private constructor(servers: readonly string[], connection: NatsConnection) {
        this.#servers = servers;
        this.#connection = connection;
        this.bucket = undefined as unknown as KV;
    }

    async makeBucket(): Promise<void> {
        this.bucket = await new Kvm(jetstream(this.#connection, { timeout: WRITE_TIMEOUT_MS })).create(this.#name);
    }

    async deleteBucket(): Promise<void> {
        const manager = await jetstreamManager(this.#connection);
        await manager.streams.delete(`KV_${this.#name}`);
    }

    /** Where a server keeps the bucket. */
    folderIn({ storeDirectory }: NatsServer): string {
        return join(storeDirectory, 'jetstream', '$G', 'streams', `KV_${this.#name}`);
    }

    async purge(key: string): Promise<void> {
        const manager = await jetstreamManager(this.#connection);
        await manager.streams.purge(`KV_${this.#name}`, { filter: `$KV.${this.#name}.${key}` });
    }

    put(key: string, row: object | string): Promise<number> {
        return this.bucket.put(key, typeof row === 'string' ? row : JSON.stringify(row));
    }

    /** Repeats a write until a server takes it. */
    async untilStored(write: () => Promise<unknown>): Promise<void> {
        while (
            !(await write().then(
                () => true,
                () => false
            ))
        ) {
            await new Promise(resolve => setTimeout(resolve, 50));
        }
    }

    putItem(id: string, count: number): Promise<number> {
        return this.put(`item.${id}`, { id, count });
    }

    /** Starts a change source; the URL at which it listens. */
    async start(
        options: {
            schema?: SchemaSource;
            secret?: string;
            idleMs?: number;
            servers?: readonly string[];
            retainTokens?: number;
            retainMs?: number;
        } = {}
    ): Promise<string> {
        const { schema = SMALL_SCHEMA, secret, idleMs, servers = this.#servers, retainTokens, retainMs } = options;
        const config: Config = {
            servers,
            user: undefined,
            pass: undefined,
            token: undefined,
            credentials: undefined,
            tls: {},
            watermarkBucket: `${this.#name}-marks`,
            watermarkDatabase: undefined,
            replicas: 1,
            rowsBucket: this.#name,
            schema,
            host: '127.0.0.1',
            port: 0,
            secret,
            idleMs,
            retainTokens,
            retainMs
        };
        const application = await NestFactory.createApplicationContext(AppModule.forConfig(config), {
            logger: false,
            abortOnError: false
        });
        this.#applications.push(application);
        return application.get(ChangeSourceServer, { strict: false }).url;
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await Promise.all(this.#applications.map(application => application.close()));
        await this.#connection.close();
    }
}
