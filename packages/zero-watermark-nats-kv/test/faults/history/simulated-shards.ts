import { versionToLexi, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import fc from 'fast-check';

import type { Answer, Call, History, KeptToken, Operation } from './history.js';
import type { Fate } from './simulated-keys.js';

const KINDS = [
    ...(['watermark', 'watermark', 'watermark', 'watermarks', 'beginSync', 'tokenOf', 'tokenOf'] as const),
    ...(['resume', 'resume', 'head', 'acknowledge', 'provision', 'abandon', 'clearShards', 'export', 'import'] as const)
];

/** What is imported: its numbers are below all that the shard gives. */
const IMPORTED: readonly KeptToken[] = [1, 2, 3].map(number => ({
    ...{ watermark: versionToLexi(100 + number), token: `imported-${number}`, sync: number === 2 }
}));

export interface ShardCallPlan {
    readonly kind: (typeof KINDS)[number];
    readonly client: number;
    readonly tokens: readonly number[];
    readonly gapMs: number;
    readonly beforeMs: number;
    readonly afterMs: number;
    readonly fate: Fate;
}

const shard = 's';

/** Calls for one shard, on so many tokens. */
export function shardCallPlans(tokens: number): fc.Arbitrary<ShardCallPlan> {
    return fc.record({
        kind: fc.constantFrom(...KINDS),
        client: fc.nat(3),
        tokens: fc.array(fc.nat(tokens - 1), { minLength: 1, maxLength: 4 }),
        gapMs: fc.nat(4),
        beforeMs: fc.nat(8),
        afterMs: fc.nat(8),
        fate: fc.constantFrom<Fate>(
            ...(['answered', 'answered', 'answered', 'answered', 'answered', 'answered'] as const),
            ...(['in-doubt', 'in-doubt-stored', 'killed', 'killed-stored'] as const)
        )
    });
}

interface Planned extends ShardCallPlan {
    readonly startMs: number;
    readonly effectMs: number;
    readonly endMs: number;
}

/** The history of a shard of a store that keeps every promise. */
export function simulateShard(plans: readonly ShardCallPlan[]): History {
    const simulation = new Simulation();
    const planned = schedule(plans);
    const ends = new Map<Planned, Answer | Refusal>();
    for (const plan of planned.toSorted((a, b) => a.effectMs - b.effectMs)) {
        if (plan.fate === 'answered' || plan.fate.endsWith('stored')) {
            ends.set(plan, simulation.run(plan));
        }
    }
    const operations = planned.map((plan): Operation => {
        const { client, startMs, endMs, fate } = plan;
        const common = { client: String(client), call: simulation.callOf(plan), startMs };
        const answer = ends.get(plan);
        if (fate === 'answered' && answer !== undefined) {
            return { ...common, endMs, ...('code' in answer ? { error: answer } : { answer }) };
        }
        const isWrite = [...MAKING, 'abandon', 'clearShards', 'import'].includes(plan.kind);
        const code = isWrite ? WatermarkErrorCode.OUTCOME_UNKNOWN : WatermarkErrorCode.UNAVAILABLE;
        return fate.startsWith('killed') ? common : { ...common, endMs, error: { code } };
    });
    return {
        ...{ timeoutMs: 15_000, operations, watchers: [], observations: [], finalStates: {} },
        finalTokens: { [shard]: simulation.kept }
    };
}

interface Refusal {
    readonly code: WatermarkErrorCode;
}

/** Calls that give watermarks. */
const MAKING: readonly string[] = ['watermark', 'watermarks', 'beginSync'];

/** The calls of one client take effect in their order. */
function schedule(plans: readonly ShardCallPlan[]): readonly Planned[] {
    let now = 0;
    const last = new Map<number, number>();
    return plans.map((plan, index) => {
        now += plan.gapMs;
        const startMs = now + index * 1e-6;
        const isLate = plan.fate === 'in-doubt-stored' || plan.fate === 'killed-stored';
        const early = startMs + 1e-7 + plan.beforeMs;
        const inTurn = Math.max(early, (last.get(plan.client) ?? 0) + 1e-7);
        const effectMs = isLate ? early + 10 * plan.beforeMs : inTurn;
        if (!isLate) {
            last.set(plan.client, inTurn);
        }
        return { ...plan, startMs, effectMs, endMs: inTurn + 1e-7 + plan.afterMs };
    });
}

class Simulation {
    readonly kept: KeptToken[] = [];
    /** What was answered, so that somebody can ask for it. */
    readonly #given: string[] = [];
    #position = 0;
    readonly #calls = new Map<Planned, Call>();

    /** The call; what it asks for is what had been given when it was made, or nothing that ever is. */
    callOf(plan: Planned): Call {
        const [first = 0] = plan.tokens;
        const token = nameOf(first);
        switch (plan.kind) {
            case 'head':
            case 'provision':
            case 'abandon':
            case 'export':
                return { kind: plan.kind, shard };
            case 'clearShards':
                return { kind: 'clearShards', shards: [shard] };
            case 'import':
                return { kind: 'import', shard, pairs: IMPORTED };
            case 'watermark':
            case 'beginSync':
                return { kind: plan.kind, shard, token };
            case 'watermarks':
                return { kind: 'watermarks', shard, tokens: plan.tokens.map(nameOf) };
            default:
                return this.#calls.get(plan) ?? { kind: plan.kind, shard, watermark: versionToLexi(1) };
        }
    }

    run(plan: Planned): Answer | Refusal {
        const [first = 0] = plan.tokens;
        const asked = this.#given[first % Math.max(1, this.#given.length)] ?? versionToLexi(1);
        const found = this.kept.find(({ watermark }) => watermark === asked);
        if (plan.kind === 'tokenOf' || plan.kind === 'resume' || plan.kind === 'acknowledge') {
            this.#calls.set(plan, { kind: plan.kind, shard, watermark: asked });
        }
        switch (plan.kind) {
            case 'head': {
                const last = this.kept.at(-1);
                return {
                    kind: 'head',
                    head: last === undefined ? null : { watermark: last.watermark, token: last.token }
                };
            }
            case 'tokenOf':
                return { kind: 'token', token: found?.token ?? null };
            case 'resume':
                return found === undefined
                    ? { kind: 'resume', point: asked === versionToLexi(1) ? 'unknown' : 'pruned' }
                    : { kind: 'resume', point: 'resume', token: found.token };
            case 'acknowledge':
                this.kept.splice(0, found === undefined ? 0 : this.kept.indexOf(found));
                return { kind: 'done' };
            case 'provision':
                return { kind: 'done' };
            case 'abandon':
            case 'clearShards':
                this.kept.splice(0);
                return { kind: 'done' };
            case 'export':
                return { kind: 'pairs', pairs: [...this.kept] };
            case 'import':
                return this.#import(plan);
            default: {
                const tokens = plan.kind === 'watermarks' ? plan.tokens : [first];
                const watermarks = tokens.map(token => this.#give(token, plan.kind === 'beginSync'));
                this.#given.push(...(plan.fate === 'answered' ? watermarks : []));
                return { kind: 'watermarks', watermarks };
            }
        }
    }

    /** All at once, into a shard that has given nothing of its own. */
    #import({ fate }: Planned): Answer | Refusal {
        const isThere = IMPORTED.every(({ watermark }) => this.kept.some(each => each.watermark === watermark));
        if (!isThere && this.kept.length > 0) {
            return { code: WatermarkErrorCode.IMPORT_CONFLICT };
        }
        if (!isThere) {
            this.kept.push(...IMPORTED);
        }
        this.#given.push(...(fate === 'answered' ? IMPORTED.map(({ watermark }) => watermark) : []));
        return { kind: 'done' };
    }

    #give(number: number, sync: boolean): string {
        const token = nameOf(number);
        const there = this.kept.find(each => !each.sync && each.token === token);
        if (there !== undefined && !sync) {
            return there.watermark;
        }
        this.#position += 1;
        const watermark = versionToLexi(4096 * this.#position);
        this.kept.push({ watermark, token, sync });
        return watermark;
    }
}

function nameOf(token: number): string {
    return `t${token}`;
}
