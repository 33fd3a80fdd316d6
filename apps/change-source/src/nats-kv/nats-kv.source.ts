import { setTimeout as wait } from 'node:timers/promises';

import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { StreamInfo } from '@nats-io/jetstream';
import {
    AuthorizationError,
    connect,
    InvalidArgumentError,
    type NatsConnection,
    type NodeConnectionOptions,
    UserAuthenticationExpiredError
} from '@nats-io/transport-node';

import { CHANGE_SOURCE_OPTIONS, type ChangeSourceOptions } from '../change-source.options.js';
import {
    PositionLostError,
    type RowChange,
    type Snapshot,
    UpstreamSource,
    type UpstreamTransaction
} from '../upstream/upstream-source.js';
import { BucketLog } from './bucket-log.js';
import { formatPosition, type KvPosition, parsePosition } from './position.js';
import { interpret, type RowMessage } from './row-message.js';
import { Trouble } from './trouble.js';

/** Where the rows are. */
export interface NatsKvSourceOptions {
    readonly bucket: string;
    /** How to connect. A function, so that whoever prints the application does not print passwords with it. */
    readonly connection: () => NodeConnectionOptions;
}

/** Injection token of the {@link NatsKvSourceOptions}. */
export const NATS_KV_SOURCE_OPTIONS = Symbol('nats-kv-source-options');

const RECONNECT_MS = 250;

/** How often a snapshot that gets nothing more looks whether there is anything more to get. */
const RECHECK_MS = 2_000;

/** Rows in a NATS KV bucket: the key is `<table>.<primary key>`, the value the row as a JSON object. */
@Injectable()
export class NatsKvSource extends UpstreamSource implements OnModuleInit, OnApplicationShutdown {
    readonly #options: NatsKvSourceOptions;
    readonly #tables: ChangeSourceOptions['schema']['tables'];
    readonly #logger = new Logger('NatsKvSource');
    #connection: NatsConnection | undefined;
    #openLog: BucketLog | undefined;

    constructor(
        @Inject(NATS_KV_SOURCE_OPTIONS) options: NatsKvSourceOptions,
        @Inject(CHANGE_SOURCE_OPTIONS) { schema }: ChangeSourceOptions
    ) {
        super();
        this.#options = options;
        this.#tables = schema.tables;
    }

    /**
     * Waits for a server, and for the leader of the bucket.
     *
     * @throws {NotPermittedError}
     * @throws {Error} when the credentials are refused, there is no such bucket, or its rows would expire without a word
     */
    async onModuleInit(): Promise<void> {
        this.#connection = await this.#connect();
        this.#openLog = new BucketLog(this.#connection, this.#options.bucket);
        const { config } = await this.#existing(new AbortController().signal);
        const expires = (config.max_age ?? 0) > 0;
        if (expires && (config.subject_delete_marker_ttl ?? 0) === 0) {
            throw new Error(
                `Rows of the bucket "${this.#options.bucket}" expire (max_age), and nothing says when: Zero would keep ` +
                    'them. Remove the age limit, or set subject_delete_marker_ttl (nats-server 2.11 or newer).'
            );
        }
    }

    /** The client could wait for the first connection by itself, but says nothing meanwhile. */
    async #connect(): Promise<NatsConnection> {
        const trouble = new Trouble(reason =>
            this.#logger.warn(`no NATS server for the rows in "${this.#options.bucket}" yet: ${reason}`)
        );
        for (; ; await wait(RECONNECT_MS)) {
            try {
                return await connect({
                    name: 'zero-change-source rows',
                    maxReconnectAttempts: -1,
                    reconnectTimeWait: RECONNECT_MS,
                    pingInterval: 3_000,
                    // Credentials may be renewed while a server refuses the old ones.
                    ignoreAuthErrorAbort: true,
                    ...this.#options.connection()
                });
            } catch (error) {
                if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
                    throw new Error('The NATS server refuses the credentials of the change source.', { cause: error });
                }
                if (error instanceof InvalidArgumentError) {
                    throw error;
                }
                trouble.note(error);
            }
        }
    }

    async onApplicationShutdown(): Promise<void> {
        await this.#connection?.close();
    }

    override async snapshot(signal: AbortSignal): Promise<Snapshot> {
        const { created, state } = await this.#existing(signal);
        const position = { created, sequence: state.last_seq, storedAt: timeOfLast(state) };
        return { position: formatPosition(position), changes: this.#rows(position, signal) };
    }

    override async *changesAfter(
        position: string,
        signal: AbortSignal
    ): AsyncGenerator<UpstreamTransaction, void, undefined> {
        const start = parsePosition(position);
        if (start === undefined) {
            throw new PositionLostError(`${position} is no position in a NATS KV bucket.`);
        }
        for await (const message of this.#log.read(start, signal)) {
            const { sequence, storedAt } = message;
            yield { position: formatPosition({ ...start, sequence, storedAt }), changes: this.#changesOf(message) };
        }
    }

    /**
     * The last revision of each key, and what is written meanwhile up to the moment when all of it has been read: a row
     * that is written while the others are read is no longer there as it was before.
     */
    async *#rows(position: KvPosition, signal: AbortSignal): AsyncGenerator<RowChange, void, undefined> {
        const target = await this.#log.lastSequence(signal);
        if (target === 0) {
            return;
        }
        let seen = 0;
        const done = new AbortController();
        let isChecking = false;
        const recheck = async () => {
            const before = seen;
            const last = await this.#log.lastSequence(done.signal);
            // The last revisions may have been removed since, without another in their place.
            if (before === seen && seen >= last) {
                done.abort();
            }
        };
        const timer = setInterval(() => {
            // One at a time: without an answer they would pile up.
            if (!isChecking) {
                isChecking = true;
                void recheck()
                    .catch(() => {})
                    .finally(() => (isChecking = false));
            }
        }, RECHECK_MS);
        try {
            let end: number | undefined;
            const either = AbortSignal.any([signal, done.signal]);
            const from = { created: position.created, sequence: 0, storedAt: 0 };
            for await (const message of this.#log.read(from, either, target)) {
                seen = message.sequence;
                yield* this.#changesOf(message);
                if (end === undefined && seen >= target) {
                    end = await this.#log.lastSequence(signal);
                }
                // Writers that never rest must not keep it from ending; what is still missing follows.
                if (end !== undefined && (seen >= end || message.pending === 0)) {
                    return;
                }
            }
        } finally {
            clearInterval(timer);
            done.abort();
        }
    }

    #changesOf(message: RowMessage): RowChange[] {
        const { change, problem } = interpret(this.#tables, message);
        if (problem !== undefined) {
            this.#logger.warn(problem);
        }
        return change === undefined ? [] : [change];
    }

    async #existing(signal: AbortSignal) {
        const info = await this.#log.info(signal);
        if (info === undefined) {
            throw new Error(`There is no bucket "${this.#options.bucket}"; it has to be there, with the rows in it.`);
        }
        return info;
    }

    get #log(): BucketLog {
        if (this.#openLog === undefined) {
            throw new Error('The source is not connected yet.');
        }
        return this.#openLog;
    }
}

/** A stream without messages says that its last one was stored in the year 1. */
function timeOfLast({ last_ts }: StreamInfo['state']): number {
    return Math.max(0, Date.parse(last_ts));
}
