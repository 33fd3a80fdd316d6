/** What a change-source process is started with. */
export interface InstanceConfig {
    /** Its name, which no other instance has. */
    readonly name: string;
    /** The NATS servers. */
    readonly servers: readonly string[];
    /** How many servers keep a copy of the watermarks. */
    readonly replicas: number;
    /** Where it keeps its ledger. */
    readonly directory: string;
    /** All networks there are. */
    readonly networks: readonly string[];
    /** Those that it takes at once when nobody has them; others it takes when they stay without an owner. */
    readonly preferred: readonly string[];
}

/** Injection token of the {@link InstanceConfig}. */
export const INSTANCE_CONFIG = Symbol('instance-config');
