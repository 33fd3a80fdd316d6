import { groupBy } from './group-by.js';
import type { Read, Write } from './key-story.js';
import type { Revision } from './revisions.js';

/** What has to be put in an order. */
export interface Puzzle {
    readonly revisions: readonly Revision[];
    readonly writes: readonly Write[];
    readonly reads: readonly Read[];
    /** The key's last revision, `null`: it has no watermark at the end; `undefined`: whatever it has is right. */
    readonly finalRevision: number | null | undefined;
    /** Kinds of writes whose condition doesn't count. */
    readonly withoutCondition?: ReadonlySet<Write['kind']>;
}

/** `undecided`: too many orders are possible to try them all. */
export type Verdict = 'fits' | 'contradiction' | 'undecided';

/** How many different situations are looked at before the search is given up. */
const MAX_SITUATIONS = 300_000;

/**
 * Whether the calls of one key can be put in an order in which each takes effect at one moment between its beginning and
 * its end, and finds what it found: the search of Wing and Gong, which never looks at one situation twice (Lowe).
 *
 * Revisions keep it short. They say in which order the writes that somebody saw took effect, so that of these only one
 * can be next; only writes that nobody saw are to be placed. A read that fits is taken at once, for it changes nothing.
 */
export function search(puzzle: Puzzle): Verdict {
    return new Search(puzzle).run();
}

/** A write or a read that has to take effect. */
interface Step {
    readonly startMs: number;
    readonly endMs: number;
    readonly write: Placed | undefined;
    readonly read: Read | undefined;
}

interface Placed extends Write {
    /** The revision that it has written, as an index. */
    readonly place: number | undefined;
}

/** A key, and what has taken effect. */
interface Situation {
    /** All steps before this have been taken, and these after it. */
    readonly low: number;
    readonly ahead: readonly number[];
    /** How many of each class of writes that may have no effect have had theirs. */
    readonly used: readonly number[];
    /** How many revisions have been written. */
    readonly written: number;
    /** Whether the key is at the last of these; if not, what it holds was seen by nobody. */
    readonly isSeen: boolean;
    readonly value: string | null;
    /** Whether a write that may have no effect was the last, and nothing has made use of it: then it may as well have none. */
    readonly isIdle: boolean;
}

class Search {
    readonly #puzzle: Puzzle;
    readonly #steps: readonly Step[];
    /** Writes that may have no effect. Within a class one is as good as the other, so the earliest are used first. */
    readonly #classes: readonly (readonly Placed[])[];
    readonly #indexOf: ReadonlyMap<number, number>;
    /** What has to be taken while the key is at a revision, since it never comes back to it. */
    readonly #boundTo: ReadonlyMap<number, readonly number[]>;
    readonly #valuesMatter: boolean;
    /** What was used of the classes in situations that are otherwise the same. */
    readonly #known = new Map<string, (readonly number[])[]>();
    #count = 0;
    readonly #open: Situation[] = [];

    constructor(puzzle: Puzzle) {
        this.#puzzle = puzzle;
        const { revisions, writes, reads } = puzzle;
        this.#indexOf = new Map(revisions.map(({ revision }, index) => [revision, index]));
        this.#valuesMatter = writes.some(({ kind, outcome }) => kind === 'advance' && outcome !== 'refused');
        const placed = placeWrites(writes, revisions);
        const seenFrom = seenAtOrAfter(revisions);
        const isRequired = ({ outcome, place }: Placed) => outcome === 'done' || place !== undefined;
        const required = placed.filter(isRequired).map(write => ({
            startMs: write.startMs,
            endMs: Math.min(write.endMs, write.place === undefined ? Infinity : (seenFrom[write.place] ?? Infinity)),
            ...{ write, read: undefined }
        }));
        const toFind = reads.map(read => ({ startMs: read.startMs, endMs: read.endMs, write: undefined, read }));
        this.#steps = [...required, ...toFind].sort((a, b) => a.startMs - b.startMs);
        const all = this.#steps.map((step, index) => ({ index, revision: revisionNeededBy(step, puzzle) }));
        this.#boundTo = new Map(
            [...groupBy(all, ({ revision }) => revision)].flatMap(([revision, steps]) =>
                revision === undefined ? [] : [[revision, steps.map(({ index }) => index)]]
            )
        );
        this.#classes = this.#classify(placed.filter(write => !isRequired(write)));
    }

    run(): Verdict {
        const used = this.#classes.map(() => 0);
        this.#add({ low: 0, ahead: [], used, written: 0, isSeen: false, value: null, isIdle: false });
        for (let situation = this.#open.pop(); situation !== undefined; situation = this.#open.pop()) {
            if (this.#isEnd(situation)) {
                return 'fits';
            }
            if (this.#count > MAX_SITUATIONS) {
                return 'undecided';
            }
            this.#goOn(situation);
        }
        return 'contradiction';
    }

    /** Adds a situation in which nothing that was found is left to be taken. */
    #add(situation: Situation): void {
        let reached = situation;
        for (let found = this.#readsAtOnce(reached); found.length > 0; found = this.#readsAtOnce(reached)) {
            reached = { ...take(reached, found), isIdle: false };
        }
        if (this.#isNew(reached)) {
            this.#count += 1;
            this.#open.push(reached);
        }
    }

    /** Where more is left to be used, nothing less is possible: a situation that has used more is nothing new. */
    #isNew({ low, ahead, used, written, isSeen, value, isIdle }: Situation): boolean {
        const name = JSON.stringify([low, ahead, written, isSeen, value, isIdle]);
        const known = this.#known.get(name) ?? [];
        if (known.some(other => other.every((count, index) => count <= (used[index] ?? 0)))) {
            return false;
        }
        this.#known.set(name, [...known, used]);
        return true;
    }

    /** Whether the key may leave the revision it is at: nothing else has still to find it there. */
    #mayLeave({ isSeen, written, low, ahead }: Situation, next: number | undefined): boolean {
        const revision = isSeen ? this.#puzzle.revisions[written - 1]?.revision : undefined;
        const bound = revision === undefined ? [] : (this.#boundTo.get(revision) ?? []);
        return bound.every(index => index === next || index < low || ahead.includes(index));
    }

    #isEnd({ low, written, isSeen, value }: Situation): boolean {
        const { revisions, finalRevision } = this.#puzzle;
        if (low < this.#steps.length || written < revisions.length || finalRevision === undefined) {
            return low === this.#steps.length && written === revisions.length;
        }
        return finalRevision === null ? value === null : isSeen && revisions.at(-1)?.revision === finalRevision;
    }

    /** What is tried last is added first. */
    #goOn(situation: Situation): void {
        const { steps, untilMs } = this.#nextSteps(situation);
        if (this.#mayLeave(situation, undefined)) {
            this.#classes.forEach((_, index) => this.#tryWithoutNeed(index, situation, untilMs));
        }
        for (const index of this.#readsThatFit(situation)) {
            this.#add(take({ ...situation, isIdle: false }, [index]));
        }
        for (const isPlaced of [true, false]) {
            for (const index of steps) {
                const write = this.#steps[index]?.write;
                const isNext = write !== undefined && (write.place !== undefined) === isPlaced;
                if (isNext && this.#mayLeave(situation, index) && !(situation.isIdle && isUnconditional(write))) {
                    this.#apply(write, situation).forEach(next => this.#add(take({ ...next, isIdle: false }, [index])));
                }
            }
        }
    }

    /** Lets the next write of a class that may have no effect have one. */
    #tryWithoutNeed(index: number, situation: Situation, untilMs: number): void {
        const count = situation.used[index] ?? 0;
        const write = this.#classes[index]?.[count];
        if (write === undefined || write.startMs > untilMs || (situation.isIdle && isUnconditional(write))) {
            return;
        }
        if (write.endMs < this.#sinceMs(situation) || this.#isIdleRemoval(write, situation)) {
            return;
        }
        // A revision is left once, so that nothing is used up by what depends on one.
        const isBound = write.kind === 'compareAndSet';
        const used = isBound ? situation.used : situation.used.with(index, count + 1);
        this.#apply(write, situation).forEach(next => this.#add({ ...next, used, isIdle: !next.isSeen }));
    }

    /** When the last of the calls that have taken effect had begun. */
    #sinceMs({ low, ahead, used }: Situation): number {
        const steps = [low - 1, ...ahead].map(index => this.#steps[index]?.startMs ?? 0);
        const others = used.map((count, index) => this.#classes[index]?.[count - 1]?.startMs ?? 0);
        return Math.max(...steps, ...others);
    }

    /** Whether a write would remove what is not there, and nobody has seen it do so. */
    #isIdleRemoval({ value }: Write, situation: Situation): boolean {
        const next = this.#puzzle.revisions[situation.written];
        return value === null && situation.value === null && next?.value !== null;
    }

    /** The steps that can be next, because none that is left had ended before they began. */
    #nextSteps({ low, ahead }: Situation): { readonly steps: readonly number[]; readonly untilMs: number } {
        const steps: number[] = [];
        const taken = new Set(ahead);
        let untilMs = Infinity;
        for (let index = low; index < this.#steps.length; index += 1) {
            const step = this.#steps[index];
            if (step === undefined || step.startMs > untilMs) {
                break;
            }
            if (!taken.has(index)) {
                steps.push(index);
                untilMs = Math.min(untilMs, step.endMs);
            }
        }
        return { steps, untilMs };
    }

    /** Reads that take no choice away: after what began when a write was over, that write can't have its effect any more. */
    #readsAtOnce(situation: Situation): readonly number[] {
        const sinceMs = this.#sinceMs(situation);
        const ends = this.#classes.map((writes, index) => writes[situation.used[index] ?? 0]?.endMs ?? Infinity);
        const openUntilMs = ends
            .filter(endMs => endMs >= sinceMs)
            .reduce((first, endMs) => Math.min(first, endMs), Infinity);
        return this.#readsThatFit(situation).filter(index => (this.#steps[index]?.startMs ?? 0) <= openUntilMs);
    }

    #readsThatFit(situation: Situation): readonly number[] {
        const { steps, untilMs } = this.#nextSteps(situation);
        return steps.filter(index => {
            const step = this.#steps[index];
            return step?.read !== undefined && step.startMs <= untilMs && this.#fits(step.read, situation);
        });
    }

    #fits({ found }: Read, situation: Situation): boolean {
        switch (found.kind) {
            case 'at':
                return this.#isAt(found.revision, situation);
            case 'nothing':
                return situation.value === null;
            case 'something':
                return situation.value !== null;
            case 'not-at':
                return !this.#isAt(found.revision, situation);
        }
    }

    #isAt(revision: number, { isSeen, written, value }: Situation): boolean {
        return isSeen && value !== null && this.#indexOf.get(revision) === written - 1;
    }

    /** What a write makes of the key: nothing, if its condition does not hold. */
    #apply(write: Placed, situation: Situation): readonly Situation[] {
        const { value } = write;
        const { written } = situation;
        if (!this.#holds(write, situation)) {
            return [];
        }
        const seen = { ...situation, written: written + 1, isSeen: true, value };
        if (write.place !== undefined) {
            return write.place === written ? [seen] : [];
        }
        const unseen = { ...situation, isSeen: false, value: value === null || this.#valuesMatter ? value : '' };
        const next = this.#puzzle.revisions[written];
        return next !== undefined && next.writer === undefined && agree(next.value, value) ? [unseen, seen] : [unseen];
    }

    #holds({ kind, value, expectedRevision }: Placed, situation: Situation): boolean {
        if (this.#puzzle.withoutCondition?.has(kind) === true) {
            return true;
        }
        switch (kind) {
            case 'create':
                return situation.value === null;
            case 'compareAndSet':
                return expectedRevision !== undefined && this.#isAt(expectedRevision, situation);
            case 'advance':
                return situation.value === null || (value !== null && value > situation.value);
            default:
                return true;
        }
    }

    #classify(writes: readonly Placed[]): readonly (readonly Placed[])[] {
        const classes = new Map<string, Placed[]>();
        const seenValues = new Set(this.#puzzle.revisions.map(({ value }) => value));
        for (const write of writes.toSorted((a, b) => a.startMs - b.startMs)) {
            const isTellingValue = this.#valuesMatter || seenValues.has(write.value);
            const name = JSON.stringify([
                ...[write.kind, write.expectedRevision, isTellingValue ? write.value : ''],
                // JSON has no Infinity, which is when most of them end.
                write.endMs
            ]);
            classes.set(name, [...(classes.get(name) ?? []), write]);
        }
        return [...classes.values()];
    }
}

/** The revision at which a step has to be taken. */
function revisionNeededBy({ write, read }: Step, { withoutCondition }: Puzzle): number | undefined {
    if (write !== undefined) {
        return withoutCondition?.has(write.kind) === true ? undefined : write.expectedRevision;
    }
    return read?.found.kind === 'at' ? read.found.revision : undefined;
}

/** Whether a write does the same whatever the key holds, so that nothing need be done to make it possible. */
function isUnconditional({ kind }: Write): boolean {
    return kind === 'set' || kind === 'delete' || kind === 'clear';
}

function placeWrites(writes: readonly Write[], revisions: readonly Revision[]): readonly Placed[] {
    const places = new Map(revisions.map(({ writer }, index) => [writer, index]));
    return writes.filter(({ outcome }) => outcome !== 'refused').map(write => ({ ...write, place: places.get(write) }));
}

/** When each revision, or a later one, was seen first: by then it was written. */
function seenAtOrAfter(revisions: readonly Revision[]): readonly number[] {
    let earliest = Infinity;
    return revisions
        .toReversed()
        .map(({ seenMs }) => (earliest = Math.min(earliest, seenMs)))
        .reverse();
}

/** Whether a revision that was seen as `seen` can be one that wrote `value`. */
function agree(seen: string | null | undefined, value: string | null): boolean {
    return seen === undefined ? value !== null : seen === value;
}

function take(situation: Situation, taken: readonly number[]): Situation {
    const ahead = [...situation.ahead, ...taken].sort((a, b) => a - b);
    let { low } = situation;
    let count = 0;
    while (ahead[count] === low) {
        low += 1;
        count += 1;
    }
    return { ...situation, low, ahead: ahead.slice(count) };
}
