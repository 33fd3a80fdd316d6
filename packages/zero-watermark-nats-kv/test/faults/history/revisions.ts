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

/** The revisions of a key in their order, or what makes them impossible. */
export function orderRevisions(story: KeyStory): readonly Revision[] | Finding {
    const merged = mergeSightings(story.sightings);
    if (!Array.isArray(merged)) {
        return merged;
    }
    const twice = findGivenTwice(story.writes);
    if (twice !== undefined) {
        return twice;
    }
    const revisions = merged.map(revision => ({ ...revision, writer: onlyWriterOf(revision, merged, story.writes) }));
    return findImpossible(revisions, story.writes) ?? revisions;
}

type Seen = Omit<Revision, 'writer'>;

function mergeSightings(sightings: readonly Sighting[]): Seen[] | Finding {
    const byRevision = new Map<number, Seen>();
    for (const { revision, value, atMs } of sightings) {
        const before = byRevision.get(revision);
        if (value !== undefined && before?.value !== undefined && value !== before.value) {
            return {
                kind: 'revision-of-two-states',
                about: String(revision),
                explanation: `Revision ${revision} is ${show(before.value)}, and ${show(value)}.`
            };
        }
        if (value === undefined && before?.value === null) {
            return deletionTakenForWatermark(revision);
        }
        const seenMs = Math.min(atMs, before?.seenMs ?? Infinity);
        byRevision.set(revision, { revision, value: value === undefined ? before?.value : value, seenMs });
    }
    const watermarkAt = new Set(sightings.filter(({ value }) => value === undefined).map(({ revision }) => revision));
    const all = [...byRevision.values()].sort((a, b) => a.revision - b.revision);
    const both = all.find(({ revision, value }) => value === null && watermarkAt.has(revision));
    return both === undefined ? all : deletionTakenForWatermark(both.revision);
}

function deletionTakenForWatermark(revision: number): Finding {
    return {
        kind: 'revision-of-two-states',
        about: String(revision),
        explanation: `Revision ${revision} is a deletion, and a watermark.`
    };
}

function findGivenTwice(writes: readonly Write[]): Finding | undefined {
    const given = new Set<number>();
    for (const { revision } of writes) {
        if (revision !== undefined && given.has(revision)) {
            const explanation = `Revision ${revision} was given to two calls.`;
            return { kind: 'revision-given-twice', about: String(revision), explanation };
        }
        if (revision !== undefined) {
            given.add(revision);
        }
    }
    return undefined;
}

function onlyWriterOf(seen: Seen, all: readonly Seen[], writes: readonly Write[]): Write | undefined {
    const answered = writes.find(({ revision }) => revision === seen.revision);
    if (answered !== undefined || typeof seen.value !== 'string') {
        return answered;
    }
    const possible = possibleWriters(seen.value, writes);
    const isOnce = all.filter(({ value }) => value === seen.value).length === 1;
    return isOnce && possible.length === 1 ? possible[0] : undefined;
}

function possibleWriters(value: string | null, writes: readonly Write[]): readonly Write[] {
    return writes.filter(write => write.value === value && write.outcome !== 'refused');
}

function findImpossible(revisions: readonly Revision[], writes: readonly Write[]): Finding | undefined {
    for (const [value, seen] of groupByValue(revisions)) {
        const finding = findWithoutWriter(value, seen, writes);
        if (finding !== undefined) {
            return finding;
        }
    }
    return findOutOfOrder(revisions);
}

function groupByValue(revisions: readonly Revision[]): ReadonlyMap<string | null, readonly Revision[]> {
    const groups = new Map<string | null, Revision[]>();
    for (const revision of revisions) {
        if (revision.value !== undefined) {
            groups.set(revision.value, [...(groups.get(revision.value) ?? []), revision]);
        }
    }
    return groups;
}

function findWithoutWriter(
    value: string | null,
    seen: readonly Revision[],
    writes: readonly Write[]
): Finding | undefined {
    const about = value ?? 'deletion';
    const possible = possibleWriters(value, writes);
    const [first] = seen;
    if (first === undefined) {
        return undefined;
    }
    const named = `${show(value)} (revision ${seen.map(({ revision }) => revision).join(', ')})`;
    if (seen.length > possible.length) {
        const refused = writes.some(write => write.value === value && write.outcome === 'refused');
        return refused
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
function findOutOfOrder(revisions: readonly Revision[]): Finding | undefined {
    let next: Revision | undefined;
    for (const revision of revisions.toReversed()) {
        if (revision.writer !== undefined && next !== undefined && next.seenMs < revision.writer.startMs) {
            return {
                kind: 'revision-order',
                about: String(revision.revision),
                explanation: `Revision ${revision.revision} was written by a call that began after revision ${next.revision} had been seen.`
            };
        }
        next = next === undefined || revision.seenMs < next.seenMs ? revision : next;
    }
    return undefined;
}

function show(value: string | null): string {
    return value === null ? 'a deletion' : JSON.stringify(value);
}
