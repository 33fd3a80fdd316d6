/** What a change-source process is started with. */
export interface InstanceConfig {
    /** Its name, which no other instance has. */
    readonly name: string;
    /** Where its watermarks are kept, and where its events come from. */
    readonly backdrop: BackdropConfig;
    /** Where it keeps its ledger. */
    readonly directory: string;
    /** All networks there are. */
    readonly networks: readonly string[];
    /** Those that it takes at once when nobody has them; others it takes when they stay without an owner. */
    readonly preferred: readonly string[];
}

export type BackdropConfig = NatsBackdropConfig | SqliteBackdropConfig;

/** A bucket and a stream on NATS servers. */
export interface NatsBackdropConfig {
    readonly store: 'nats';
    readonly servers: readonly string[];
    /** How many servers keep a copy of the watermarks. */
    readonly replicas: number;
}

/** Two files. */
export interface SqliteBackdropConfig {
    readonly store: 'sqlite';
    /** Path of the database. */
    readonly database: string;
    /** Path of the file that the earthquakes are replayed into. */
    readonly events: string;
}

/** Injection token of the {@link InstanceConfig}. */
export const INSTANCE_CONFIG = Symbol('instance-config');
