import { InvalidOptionsError, type MaybeUndefined, type WatermarkLogger } from '@cbnsndwch/zero-contracts';
import { consoleLogger } from '@cbnsndwch/zero-contracts/backend';
import type { NatsConnection, NodeConnectionOptions, TlsOptions } from '@nats-io/transport-node';

import { checkOptions, isNatsConnection } from './options-check.js';

/** Everything about the bucket and the behaviour, whichever way the connection comes. */
export interface NatsKvBucketConfig {
    /** The KV bucket: letters, digits, `-` and `_`. */
    bucket: string;
    /**
     * `create` makes the bucket when it is missing; `require` refuses to start, for users who may not create streams.
     *
     * @default 'create'
     */
    bucketPolicy?: 'create' | 'require';
    /**
     * How many servers keep a copy, when the bucket is created: 1 to 5; 3 is what production wants.
     *
     * @default 1
     */
    replicas?: number;
    /**
     * How many revisions of a key the bucket keeps, when it is created: 1 to 64.
     *
     * @default 1
     */
    history?: number;
    /**
     * Where the bucket is kept, when it is created. `memory` does not survive a restart of the servers.
     *
     * @default 'file'
     */
    storage?: 'file' | 'memory';
    /**
     * The largest record in bytes (version and data as JSON, with about 100 bytes of headers), when the bucket is created.
     *
     * @default the server's `max_payload` (1 MiB unless configured)
     */
    maxValueSizeBytes?: number;
    /**
     * How long a watermark lives without being written, when the bucket is created. 0: for ever.
     *
     * @default 0
     */
    ttlMs?: number;
    /** In which cluster, and on servers with which tags, the bucket is created. */
    placement?: { readonly cluster?: string; readonly tags?: readonly string[] };
    /**
     * Refuses to start (`BUCKET_MISMATCH`, naming all at once) with a bucket whose settings endanger what was
     * acknowledged: memory storage, `persist_mode: async`, one replica in a cluster or fewer than asked for, dropping the
     * oldest when full, sources. Without it these are logged. Settings with which a promise can't be kept at all are
     * refused in any case. A shard's bucket is looked at when the shard is first used, or provisioned.
     *
     * @default false
     */
    strict?: boolean;
    /**
     * Who answers reads. `leader`: the stream's leader, so that a write that another instance was told of is seen.
     * `any`: whichever replica is near (NATS direct get), which may lag behind.
     *
     * @default 'leader'
     */
    readConsistency?: 'leader' | 'any';
    /**
     * How long a call may take in all, with waiting for elections and retries, in milliseconds.
     *
     * @default 15_000 (a leader killed with -9 was seen to be silent for up to 10 s)
     */
    timeoutMs?: number;
    /**
     * How many resume tokens a shard keeps below the one that zero-cache committed last.
     *
     * @default 10_000
     */
    retainTokens?: number;
    /**
     * How long resume tokens are kept after zero-cache has committed them, in milliseconds: a replica that lost its
     * change database asks for older ones.
     *
     * @default 3_600_000
     */
    retainMs?: number;
    /**
     * Orders resume tokens as the upstream does. With it, a new token that is not after its shard's head is refused
     * (`OUT_OF_ORDER`) where otherwise zero-cache would drop its change. Costs two reads a write.
     *
     * @default tokens are taken in the order of the calls
     */
    compareResumeTokens?: (a: string, b: string) => number;
    /** @default messages go to the console (to Nest's logger in a Nest application) */
    logger?: WatermarkLogger;
}

/** Configuration with which this library makes, and closes, a connection of its own. */
export interface NatsKvConfig extends NatsKvBucketConfig {
    /** Servers to connect to: `nats://host:port`, `tls://host:port` or `host:port`. Credentials don't belong here. */
    servers: string[];
    /** Path of a NATS 2.0 credentials file (JWT and seed). It is read again at each reconnect. */
    credentials?: string;
    /** Authentication token. */
    token?: string;
    /** User name; goes with `pass`. */
    user?: string;
    /** Password; goes with `user`. */
    pass?: string;
    /** TLS settings. Certificates of servers are always verified. */
    tls?: TlsOptions;
    /**
     * Name of the connection, as the server's monitoring shows it.
     *
     * @default 'zero-watermark-nats-kv'
     */
    name?: string;
    /**
     * How long to keep trying to connect and to open the bucket at start, in milliseconds.
     *
     * @default 20_000
     */
    connectTimeoutMs?: number;
    /** More options of the NATS client, for example an `authenticator` (NKeys) or `inboxPrefix`. */
    connection?: NatsClientOptions;
}

/** Configuration with a connection that the application owns. It is never closed by this library. */
export interface NatsKvConnectionConfig extends NatsKvBucketConfig {
    /** The application's connection. It should reconnect for ever (`maxReconnectAttempts: -1`). */
    connection: NatsConnection;
    servers?: never;
    credentials?: never;
    token?: never;
    user?: never;
    pass?: never;
    tls?: never;
    name?: never;
    /**
     * How long to keep trying to open the bucket at start, in milliseconds.
     *
     * @default 20_000
     */
    connectTimeoutMs?: number;
}

/** Options of the NATS client, less those that have a name of their own in {@link NatsKvConfig}. */
export type NatsClientOptions = Omit<
    NodeConnectionOptions,
    'servers' | 'port' | 'token' | 'user' | 'pass' | 'tls' | 'name'
>;

/** Either way of configuring a store. */
export type NatsKvOptions = NatsKvConfig | NatsKvConnectionConfig;

/** How to reach the servers. */
export type ResolvedConnection =
    | { readonly kind: 'existing'; readonly connection: NatsConnection }
    | {
          readonly kind: 'own';
          readonly servers: readonly string[];
          readonly credentials: string | undefined;
          readonly token: string | undefined;
          readonly user: string | undefined;
          readonly pass: string | undefined;
          readonly tls: TlsOptions | undefined;
          readonly name: string;
          readonly clientOptions: NatsClientOptions;
      };

/** What the caller asked for, with every default filled in and nothing left to check. */
export interface ResolvedNatsKvConfig {
    readonly connection: ResolvedConnection;
    readonly bucket: string;
    readonly bucketPolicy: 'create' | 'require';
    readonly replicas: number;
    readonly history: number;
    readonly storage: 'file' | 'memory';
    readonly maxValueSizeBytes: number | undefined;
    readonly ttlMs: number;
    readonly placement: { readonly cluster?: string; readonly tags?: readonly string[] } | undefined;
    readonly strict: boolean;
    readonly readConsistency: 'leader' | 'any';
    readonly timeoutMs: number;
    readonly connectTimeoutMs: number;
    readonly retainTokens: number;
    readonly retainMs: number;
    readonly compareResumeTokens: ((a: string, b: string) => number) | undefined;
    readonly logger: WatermarkLogger;
}

/**
 * Checks the options and fills in the defaults, before any connection is tried.
 *
 * @throws {InvalidOptionsError} with every problem that was found; no problem repeats a secret.
 */
export function resolveOptions(options: NatsKvOptions | MaybeUndefined<NatsKvOptions>): ResolvedNatsKvConfig {
    const { given, problems } = checkOptions(options);
    if (problems.length > 0) {
        throw new InvalidOptionsError('The watermark store is configured wrongly', problems);
    }
    const checked: Partial<NatsKvOptions> = Object.fromEntries(given);
    return Object.freeze({
        connection: Object.freeze(resolveConnection(checked)),
        // checkOptions has seen that it is there.
        bucket: checked.bucket ?? '',
        bucketPolicy: checked.bucketPolicy ?? 'create',
        replicas: checked.replicas ?? 1,
        history: checked.history ?? 1,
        storage: checked.storage ?? 'file',
        maxValueSizeBytes: checked.maxValueSizeBytes,
        ttlMs: checked.ttlMs ?? 0,
        placement: checked.placement,
        strict: checked.strict ?? false,
        readConsistency: checked.readConsistency ?? 'leader',
        timeoutMs: checked.timeoutMs ?? 15_000,
        connectTimeoutMs: checked.connectTimeoutMs ?? 20_000,
        retainTokens: checked.retainTokens ?? 10_000,
        retainMs: checked.retainMs ?? 3_600_000,
        compareResumeTokens: checked.compareResumeTokens,
        logger: checked.logger ?? consoleLogger
    });
}

function resolveConnection(options: Partial<NatsKvOptions>): ResolvedConnection {
    if (isNatsConnection(options.connection)) {
        return { kind: 'existing', connection: options.connection };
    }
    const servers = options.servers ?? [];
    const wantsTls = servers.some(server => /^tls:/i.test(server));
    return {
        kind: 'own',
        servers: [...servers],
        credentials: options.credentials,
        token: options.token,
        user: options.user,
        pass: options.pass,
        // With TLS options, even empty ones, the client refuses a server that offers no TLS.
        // A copy has its own properties only: none that weakens it gets in by a prototype.
        tls: options.tls === undefined ? (wantsTls ? {} : undefined) : { ...options.tls },
        name: options.name ?? 'zero-watermark-nats-kv',
        clientOptions: { ...options.connection }
    };
}
