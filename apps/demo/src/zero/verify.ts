import { type Difference, differences, type Rows, type WireReport } from '@cbnsndwch/zero-stage';

/** Where rows are, and how it is called. */
const PLACES = { stored: 'NATS KV', replica: 'the replica', client: 'the client' } as const;

/** What there is to know when all has been written. */
export interface Evidence {
    /** All rows as they were written. */
    readonly written: Rows;
    /** What is in the upstream, in zero-cache's replica and at the client. */
    readonly stored: Rows;
    readonly replica: Rows;
    readonly client: Rows;
    readonly wire: WireReport;
    /** What went wrong by itself, one sentence each. */
    readonly problems: readonly string[];
}

/** What came of the rows. */
export interface Verdict {
    readonly rows: number;
    readonly inReplica: number;
    readonly atClient: number;
    /** Rows that are not everywhere as they were written, one sentence for each place where one is missing. */
    readonly lost: readonly string[];
    /** What is wrong besides. */
    readonly problems: readonly string[];
}

/** Compares the rows of all places with what was written. */
export function verify(evidence: Evidence): Verdict {
    const { written, replica, client, wire, problems } = evidence;
    const found = (['stored', 'replica', 'client'] as const).flatMap(place =>
        differences(written, evidence[place]).map(difference => ({ place: PLACES[place], ...difference }))
    );
    const sentences = (wanted: Difference['kind']) =>
        found
            .filter(({ kind }) => kind === wanted)
            .map(({ place, table, kind, row }) => `${kind} in ${place}: ${table} ${row}`);
    return {
        rows: sizeOf(written),
        inReplica: sizeOf(replica),
        atClient: sizeOf(client),
        lost: sentences('missing'),
        problems: [...sentences('surplus'), ...wire.problems, ...problems]
    };
}

function sizeOf({ quake, network }: Rows): number {
    return quake.length + network.length;
}
