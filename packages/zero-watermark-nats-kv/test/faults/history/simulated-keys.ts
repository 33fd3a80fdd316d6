import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';

import type { Answer, Call, History, Observation, Operation, State } from './history.js';

/** What becomes of a simulated call: it is answered, or it isn't and has its effect (much later) or none. */
export type Fate = 'answered' | 'refused' | 'in-doubt' | 'in-doubt-stored' | 'killed' | 'killed-stored';

const KINDS = [
    ...(['set', 'merged', 'create', 'compareAndSet', 'compareAndSet', 'advance', 'delete', 'clear'] as const),
    ...(['get', 'get', 'get', 'getMany', 'getAll', 'exportKeys', 'view', 'view', 'importKeys'] as const)
];

export interface CallPlan {
    readonly kind: (typeof KINDS)[number];
    readonly client: number;
    readonly key: number;
    /** Part of the value: small, so that advance() meets equal ones. */
    readonly number: number;
    readonly isTie: boolean;
    /** From the beginning of the call before. */
    readonly gapMs: number;
    /** From the beginning to the moment at which it has its effect, and from there to the end. */
    readonly beforeMs: number;
    readonly afterMs: number;
    /** How old the answer to a read is. */
    readonly staleMs: number;
    readonly fate: Fate;
}

const CALL_PLAN = {
    kind: fc.constantFrom(...KINDS),
    client: fc.nat(3),
    number: fc.nat(5),
    isTie: fc.boolean(),
    gapMs: fc.nat(4),
    beforeMs: fc.nat(8),
    afterMs: fc.nat(8),
    fate: fc.constantFrom<Fate>(
        ...(['answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered', 'answered'] as const),
        ...(['refused', 'in-doubt', 'in-doubt-stored', 'killed', 'killed-stored'] as const)
    )
};

/** Calls on so many keys; reads are old by one of `staleMs`. */
export function callPlans(keys: number, staleMs: readonly number[] = [0]): fc.Arbitrary<CallPlan> {
    return fc.record({ ...CALL_PLAN, key: fc.nat(keys - 1), staleMs: fc.constantFrom(...staleMs) });
}

interface Planned extends CallPlan {
    readonly name: string;
    readonly isMerged: boolean;
    readonly startMs: number;
    readonly effectMs: number;
    readonly endMs: number;
}

interface Stored {
    readonly atMs: number;
    readonly revision: number;
    readonly value: string | null;
    readonly key: number;
    readonly client: number;
}

/** How long it takes until watchers are told. */
const TELLING_MS = 1;

/** The history of a store that keeps every promise. */
export function simulateKeys(plans: readonly CallPlan[], keys: number): History {
    const simulation = new Simulation(keys);
    const planned = schedule(plans);
    const effects = planned.flatMap(plan => [
        { atMs: plan.startMs, run: () => simulation.begin(plan) },
        { atMs: plan.effectMs, run: () => simulation.takeEffect(plan) }
    ]);
    effects.sort((a, b) => a.atMs - b.atMs).forEach(({ run }) => run());
    return simulation.history(planned);
}

function schedule(plans: readonly CallPlan[]): readonly Planned[] {
    let startMs = 0;
    return plans.flatMap((plan, index) => {
        startMs += plan.gapMs;
        // Times of their own, so that none are equal.
        const ownMs = startMs + index * 1e-6;
        const isLate = plan.fate === 'in-doubt-stored' || plan.fate === 'killed-stored';
        const effectMs = ownMs + 1e-7 + plan.beforeMs * (isLate ? 10 : 1);
        const endMs = ownMs + 2e-7 + plan.beforeMs + plan.afterMs;
        const call = { ...plan, name: String(index), startMs: ownMs, effectMs, endMs, isMerged: false };
        // The first is not sent, because the second arrives before.
        const merged = { ...call, name: `${index}-merged`, startMs: ownMs - 1e-8, isMerged: true };
        return plan.kind === 'merged' ? [merged, call] : [call];
    });
}

class Simulation {
    readonly #logs: readonly Stored[][];
    readonly #expected = new Map<Planned, number>();
    readonly #ends = new Map<Planned, Pick<Operation, 'answer' | 'error' | 'actualRevision'>>();
    readonly #stored: Stored[] = [];
    #revision = 0;

    constructor(keys: number) {
        this.#logs = Array.from({ length: keys }, () => []);
    }

    begin(plan: Planned): void {
        const log = this.#logOf(plan.key);
        this.#expected.set(plan, log.at(plan.isTie ? -1 : -2)?.revision ?? 1);
    }

    takeEffect(plan: Planned): void {
        if (plan.fate === 'answered' || plan.fate.endsWith('stored')) {
            this.#ends.set(plan, this.#run(plan));
        }
    }

    history(planned: readonly Planned[]): History {
        const finalStates: Record<string, State> = {};
        this.#logs.forEach((log, key) => {
            const last = log.at(-1);
            if (last !== undefined && last.value !== null) {
                finalStates[nameOf(key)] = { value: last.value, revision: last.revision };
            }
        });
        // Some are left out, but never the last of a key.
        const last = new Set(this.#logs.map(log => log.at(-1)?.revision));
        const told = this.#stored.filter(({ revision }) => last.has(revision) || revision % 3 !== 0);
        const clients = [...new Set(planned.map(({ client }) => client))];
        return {
            timeoutMs: 15_000,
            operations: planned.map(plan => this.#record(plan)),
            watchers: [
                { watcher: 'w', fromMs: -1 },
                ...clients.map(client => ({ watcher: viewOf(client), isView: true as const, fromMs: -1 }))
            ],
            observations: [
                ...told.map(stored => observed('w', stored, stored.atMs + TELLING_MS)),
                ...clients.flatMap(client => this.#toldByView(client))
            ],
            finalStates,
            finalTokens: {}
        };
    }

    #record(plan: Planned): Operation {
        const { client, fate } = plan;
        // Reading a view takes no time.
        const [startMs, endMs] = plan.kind === 'view' ? [plan.effectMs, plan.effectMs] : [plan.startMs, plan.endMs];
        const common = { client: String(client), call: this.#callOf(plan), startMs };
        switch (fate) {
            case 'answered':
                return { ...common, endMs, ...this.#ends.get(plan) };
            case 'refused':
                return { ...common, endMs, error: { code: WatermarkErrorCode.UNAVAILABLE } };
            case 'in-doubt':
            case 'in-doubt-stored': {
                const isRead = /^(get|view|exportKeys)/.test(plan.kind);
                const code = isRead ? WatermarkErrorCode.UNAVAILABLE : WatermarkErrorCode.OUTCOME_UNKNOWN;
                return { ...common, endMs, error: { code } };
            }
            default:
                return common;
        }
    }

    #callOf(plan: Planned): Call {
        const key = nameOf(plan.key);
        const value = valueOf(plan);
        switch (plan.kind) {
            case 'merged':
                return { kind: 'set', key, value };
            case 'compareAndSet':
                return { kind: 'compareAndSet', key, value, expectedRevision: this.#expected.get(plan) ?? 1 };
            case 'set':
            case 'create':
            case 'advance':
                return { kind: plan.kind, key, value };
            case 'getMany':
            case 'getAll':
            case 'exportKeys':
                return { kind: plan.kind, keys: [key] };
            case 'importKeys':
                return { kind: 'importKeys', values: { [key]: value }, onConflict: plan.isTie ? 'replace' : 'keep' };
            case 'clear':
                return { kind: 'clear' };
            case 'view':
                return { kind: 'view', view: viewOf(plan.client), keys: [key] };
            default:
                return { kind: plan.kind, key };
        }
    }

    #run(plan: Planned): Pick<Operation, 'answer' | 'error' | 'actualRevision'> {
        const { kind, key } = plan;
        const last = this.#logOf(key).at(-1);
        const current =
            last === undefined || last.value === null ? null : { value: last.value, revision: last.revision };
        const value = valueOf(plan);
        const conflict = {
            error: { code: WatermarkErrorCode.REVISION_CONFLICT },
            ...(current === null ? {} : { actualRevision: current.revision })
        };
        switch (kind) {
            case 'merged':
            case 'set':
                if (!plan.isMerged) {
                    this.#store(plan, value);
                }
                return { answer: { kind: 'done' } };
            case 'delete':
                this.#store(plan, null);
                return { answer: { kind: 'done' } };
            case 'clear':
                this.#logs.forEach((log, each) => {
                    if ((log.at(-1)?.value ?? null) !== null) {
                        this.#store({ ...plan, key: each }, null);
                    }
                });
                return { answer: { kind: 'done' } };
            case 'importKeys':
                if (current === null || plan.isTie) {
                    this.#store(plan, value);
                    return { answer: { kind: 'imported', refused: [] } };
                }
                return { answer: { kind: 'imported', refused: [nameOf(key)] } };
            case 'view':
                return { answer: this.#view(plan) };
            case 'create':
                return current === null
                    ? { answer: { kind: 'revision', revision: this.#store(plan, value) } }
                    : conflict;
            case 'compareAndSet':
                return current !== null && current.revision === this.#expected.get(plan)
                    ? { answer: { kind: 'revision', revision: this.#store(plan, value) } }
                    : conflict;
            case 'advance':
                return current === null || value > current.value
                    ? { answer: { kind: 'advanced', revision: this.#store(plan, value) } }
                    : { answer: { kind: 'notAdvanced', current } };
            default:
                return { answer: this.#read(plan) };
        }
    }

    #read({ kind, key, effectMs, staleMs }: Planned): Answer {
        const stored = this.#logOf(key).findLast(({ atMs }) => atMs <= effectMs - staleMs);
        const { value = null, revision = 0 } = stored ?? {};
        const state = value === null ? null : { value, revision };
        return kind === 'get'
            ? { kind: 'state', state }
            : { kind: 'states', states: state === null ? {} : { [nameOf(key)]: state } };
    }

    /** What a view holds: it has heard of everything that was stored a moment ago, and of own writes at once. */
    #view({ key, client, effectMs }: Planned): Answer {
        const known = this.#stored.filter(stored => stored.key === key && toldTo(client, stored) <= effectMs);
        const { value = null, revision = 0 } = known.at(-1) ?? {};
        const states = value === null ? {} : { [nameOf(key)]: { value, revision } };
        return { kind: 'viewed', states, lagMs: 2 * TELLING_MS };
    }

    /** What a view tells, which passes over what is older than what it has. */
    #toldByView(client: number): Observation[] {
        const highest = new Map<number, number>();
        const inTurn = this.#stored.toSorted((a, b) => toldTo(client, a) - toldTo(client, b));
        return inTurn.flatMap(stored => {
            const isNews = stored.revision > (highest.get(stored.key) ?? 0);
            highest.set(stored.key, Math.max(stored.revision, highest.get(stored.key) ?? 0));
            return isNews ? [observed(viewOf(client), stored, toldTo(client, stored))] : [];
        });
    }

    #store({ key, client, effectMs: atMs }: Planned, value: string | null): number {
        this.#revision += 1;
        const stored = { atMs, revision: this.#revision, value, key, client };
        this.#logOf(key).push(stored);
        this.#stored.push(stored);
        return stored.revision;
    }

    #logOf(key: number): Stored[] {
        const log = this.#logs[key];
        if (log === undefined) {
            throw new RangeError(`there is no key ${key}`);
        }
        return log;
    }
}

/** When the view of a client hears of something. */
function toldTo(client: number, stored: Stored): number {
    return stored.client === client ? stored.atMs : stored.atMs + TELLING_MS;
}

function observed(watcher: string, { key, revision, value }: Stored, atMs: number): Observation {
    return { watcher, atMs, key: nameOf(key), revision, ...(value === null ? {} : { value }) };
}

function viewOf(client: number): string {
    return `${client}/view`;
}

function nameOf(key: number): string {
    return `k${key}`;
}

function valueOf({ kind, number, name, isTie }: Planned): string {
    return kind === 'advance' && isTie ? `v${number}` : `v${number}.${name}`;
}
