import { groupBy } from './group-by.js';
import type { KeyStory, Sighting, Write } from './key-story.js';
import type { Finding } from './violation.js';

/** A revision of a key that somebody saw. */
export interface Revision {
    readonly revision: number;
    /** `null`: a deletion; `undefined`: a watermark whose value nobody told. */
    readonly value: string | null | undefined;
    /** When it was seen first: by then it was written. */
    readonly seenMs: number;
    /** The one call that can have written it; `undefined`: several can. */
    readonly writer: Write | undefined;
}

/** `findings`: what makes these revisions impossible, whatever the order of the calls. */
export interface OrderedRevisions {
    readonly revisions: readonly Revision[];
    readonly findings: readonly Finding[];
}

/** The revisions of a key in their order. */
export function orderRevisions(story: KeyStory): OrderedRevisions {
    const told = mergeSightings(story.sightings);
    const { seen, findings } = mergeSightings([...story.sightings, ...expectedBy(told.seen, story.writes)]);
    const writerOf = findWriters(seen, story.writes);
    const revisions = seen.map(each => ({ ...each, writer: writerOf(each) }));
    const groups = [
        findGivenTwice(story.writes),
        findings,
        findWithoutWriter(revisions, story.writes),
        findOutOfOrder(revisions)
    ];
    return { revisions, findings: groups.find(group => group.length > 0) ?? [] };
}

type Seen = Omit<Revision, 'writer'>;

function mergeSightings(sightings: readonly Sighting[]): { readonly seen: Seen[]; readonly findings: Finding[] } {
    const byRevision = groupBy(sightings, ({ revision }) => revision);
    const findings: Finding[] = [];
    const seen = [...byRevision].map(([revision, sights]) => {
        const values = new Set(sights.map(({ value }) => value));
        const isTold = [...values].filter(value => value !== undefined);
        if (isTold.length > 1 || (values.has(null) && values.size > 1)) {
            const explanation = `Revision ${revision} is ${[...values].map(show).join(', and ')}.`;
            findings.push({ kind: 'revision-of-two-states', about: String(revision), explanation });
        }
        const seenMs = sights.reduce((earliest, { atMs }) => Math.min(earliest, atMs), Infinity);
        return { revision, value: isTold[0], seenMs };
    });
    return { seen: seen.sort((a, b) => a.revision - b.revision), findings };
}

/** A call in doubt whose value was seen has found what it expected. */
function expectedBy(seen: readonly Seen[], writes: readonly Write[]): readonly Sighting[] {
    const writerOf = findWriters(seen, writes);
    return seen.flatMap(each => {
        const revision = writerOf(each)?.expectedRevision;
        return revision === undefined ? [] : [{ revision, value: undefined, atMs: each.seenMs }];
    });
}

function findGivenTwice(writes: readonly Write[]): readonly Finding[] {
    const given = groupBy(writes, ({ revision }) => revision);
    return [...given].flatMap(([revision, calls]) => {
        const explanation = `Revision ${revision} was given to ${calls.length} calls.`;
        return revision === undefined || calls.length < 2
            ? []
            : [{ kind: 'revision-given-twice' as const, about: String(revision), explanation }];
    });
}

/** Finds the one call that can have written a revision: the one that was answered with it, or the only one with its value. */
function findWriters(seen: readonly Seen[], writes: readonly Write[]): (revision: Seen) => Write | undefined {
    const answered = new Map(writes.map(write => [write.revision, write]));
    const timesSeen = groupBy(seen, ({ value }) => value);
    const possible = groupBy(writes.filter(mayBeStored), ({ value }) => value);
    return ({ revision, value }) => {
        const own = answered.get(revision);
        if (own !== undefined || typeof value !== 'string') {
            return own;
        }
        const [writer, ...others] = possible.get(value) ?? [];
        return timesSeen.get(value)?.length === 1 && others.length === 0 ? writer : undefined;
    };
}

function mayBeStored({ outcome }: Write): boolean {
    return outcome !== 'refused';
}

function findWithoutWriter(revisions: readonly Revision[], writes: readonly Write[]): readonly Finding[] {
    const writers = groupBy(writes, ({ value }) => value);
    return [...groupBy(revisions, ({ value }) => value)].flatMap(([value, seen]) => {
        const finding = value === undefined ? undefined : findTooFewWriters(value, seen, writers.get(value) ?? []);
        return finding === undefined ? [] : [finding];
    });
}

/** `writes`: the calls that write this value. */
function findTooFewWriters(
    value: string | null,
    seen: readonly Revision[],
    writes: readonly Write[]
): Finding | undefined {
    const about = value ?? 'deletion';
    const possible = writes.filter(mayBeStored);
    const named = `${show(value)} (revision ${seen.map(({ revision }) => revision).join(', ')})`;
    if (seen.length > possible.length) {
        return possible.length < writes.length
            ? { kind: 'failed-write-stored', about, explanation: `${named} was stored by a call that failed.` }
            : possible.length === 0
              ? { kind: 'never-written', about, explanation: `${named} was written by no call.` }
              : { kind: 'stored-twice', about, explanation: `${named} was written ${possible.length} times.` };
    }
    const early = seen.find(({ seenMs, writer }) =>
        (writer === undefined ? possible : [writer]).every(write => write.startMs > seenMs)
    );
    return early === undefined
        ? undefined
        : {
              kind: 'seen-before-written',
              about,
              explanation: `${named} was seen before any call that writes it began.`
          };
}

/** What was seen of a key before a call began has a smaller revision than what the call writes. */
function findOutOfOrder(revisions: readonly Revision[]): readonly Finding[] {
    const findings: Finding[] = [];
    let next: Revision | undefined;
    for (const { revision, seenMs, writer } of revisions.toReversed()) {
        if (writer !== undefined && next !== undefined && next.seenMs < writer.startMs) {
            const explanation = `Revision ${revision} was written by a call that began after revision ${next.revision} had been seen.`;
            findings.push({ kind: 'revision-order', about: String(revision), explanation });
        }
        next = next === undefined || seenMs < next.seenMs ? { revision, seenMs, writer, value: undefined } : next;
    }
    return findings;
}

function show(value: string | null | undefined): string {
    return value === null ? 'a deletion' : value === undefined ? 'a watermark' : JSON.stringify(value);
}
