import { Random } from './random.mjs';

/** A node by its place in the cluster, or whichever leads the bucket of the watermarks when the time comes. */
export type NodeChoice = number | 'leader';

/** Something that goes wrong. Durations in milliseconds; clients and nodes are counted from 0. */
export type Fault =
    | { readonly kind: 'kill-node'; readonly node: NodeChoice; readonly downMs: number }
    | { readonly kind: 'pause-node'; readonly node: NodeChoice; readonly forMs: number }
    | { readonly kind: 'kill-all-nodes'; readonly downMs: number }
    | { readonly kind: 'rolling-restart' }
    | { readonly kind: 'upgrade-nodes' }
    | { readonly kind: 'step-down'; readonly of: 'meta' | 'watermarks' | 'shard' }
    | { readonly kind: 'partition'; readonly noticed: boolean; readonly forMs: number; readonly lane: Lane }
    | { readonly kind: 'drop-answers'; readonly forMs: number; readonly lane: Lane }
    | {
          readonly kind: 'slow-network';
          readonly latencyMs: number;
          readonly jitterMs: number;
          readonly forMs: number;
          readonly lane: Lane;
      }
    | { readonly kind: 'kill-client'; readonly client: number; readonly downMs: number };

export type FaultKind = Fault['kind'];

/** Between which clients and which nodes the network is bad; `undefined`: all of them. */
export interface Lane {
    readonly client: number | undefined;
    readonly node: number | undefined;
}

export interface ScheduledFault {
    /** After the beginning of the run. A fault whose predecessor takes longer than planned begins later. */
    readonly atMs: number;
    readonly fault: Fault;
}

/** Faults of one sort come one after the other, those of different sorts side by side. */
export interface Schedule {
    readonly nodes: readonly ScheduledFault[];
    readonly leaders: readonly ScheduledFault[];
    readonly network: readonly ScheduledFault[];
    readonly clients: readonly ScheduledFault[];
}

export interface ScheduleOptions {
    readonly durationMs: number;
    readonly nodes: number;
    readonly clients: number;
    /** Whether the nodes are upgraded after a third of the time. */
    readonly upgrade: boolean;
    /** How far apart the faults of each sort are, on average. */
    readonly gapsMs: Readonly<Record<keyof Schedule, number>>;
}

/**
 * What goes wrong in a run, made from the seed alone. At most one node is down at a time, but for the times when all are.
 * Client 0 is never killed, so that its resources can be watched.
 */
export function makeSchedule(seed: number, options: ScheduleOptions): Schedule {
    const random = new Random(seed);
    const { durationMs, gapsMs, nodes, clients, upgrade } = options;
    const spread = (sort: keyof Schedule, make: (random: Random, count: number) => () => Fault): ScheduledFault[] => {
        const own = random.fork();
        const count = Math.floor(durationMs / gapsMs[sort]);
        const next = make(own, count);
        return Array.from({ length: count }, (_, index) => ({
            atMs: Math.round((index + own.whole(0, 800) / 1_000) * gapsMs[sort]),
            fault: next()
        }));
    };
    return {
        nodes: spread('nodes', (own, count) =>
            upgrade ? withUpgrade(nodeFaults(own, nodes), Math.floor(count / 3)) : nodeFaults(own, nodes)
        ),
        leaders: spread('leaders', own => () => ({
            kind: 'step-down',
            of: own.pick(['meta', 'watermarks', 'watermarks', 'shard'])
        })),
        network: spread('network', own => networkFaults(own, nodes, clients)),
        clients: spread('clients', own => () => ({
            kind: 'kill-client',
            client: own.whole(1, clients - 1),
            downMs: own.whole(0, 1_500)
        }))
    };
}

function nodeFaults(random: Random, nodes: number): () => Fault {
    const node = (): NodeChoice => (random.chance(0.5) ? 'leader' : random.whole(0, nodes - 1));
    return dealer(random, [
        ...Array<() => Fault>(2).fill(() => ({ kind: 'kill-node', node: node(), downMs: random.whole(0, 4_000) })),
        () => ({ kind: 'pause-node', node: node(), forMs: random.whole(500, 6_000) }),
        () => ({ kind: 'kill-all-nodes', downMs: random.whole(0, 1_000) }),
        () => ({ kind: 'rolling-restart' })
    ]);
}

function networkFaults(random: Random, nodes: number, clients: number): () => Fault {
    const lane = (): Lane => ({
        client: random.chance(0.8) ? random.whole(0, clients - 1) : undefined,
        node: random.chance(0.5) ? random.whole(0, nodes - 1) : undefined
    });
    return dealer(random, [
        ...Array<() => Fault>(2).fill(() => ({
            kind: 'partition',
            noticed: random.chance(0.5),
            forMs: random.whole(200, 5_000),
            lane: lane()
        })),
        ...Array<() => Fault>(2).fill(() => ({ kind: 'drop-answers', forMs: random.whole(100, 3_000), lane: lane() })),
        () => ({
            kind: 'slow-network',
            latencyMs: random.whole(5, 150),
            jitterMs: random.whole(0, 150),
            forMs: random.whole(1_000, 5_000),
            lane: lane()
        })
    ]);
}

/** Gives from a list in an order of chance, all of it before anything comes again. */
function dealer(random: Random, deck: readonly (() => Fault)[]): () => Fault {
    let left: (() => Fault)[] = [];
    return () => {
        left = left.length === 0 ? random.shuffled(deck) : left;
        const make = left.pop();
        if (make === undefined) {
            throw new RangeError('there is no fault to choose from');
        }
        return make();
    };
}

/**
 * Puts the upgrade in the place of one of the faults. All nodes are upgraded at once, because 2.10.27 and 2.15.1 don't
 * agree on which of two conditional writes that race is refused: in a cluster of both, the replicas come to differ.
 */
function withUpgrade(others: () => Fault, place: number): () => Fault {
    let given = 0;
    return () => {
        given += 1;
        return given === place + 1 ? { kind: 'upgrade-nodes' } : others();
    };
}
