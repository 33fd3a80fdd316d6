import type { Answer, State } from './history.js';

/** The key of histories that are written down. */
export const key = 'k';

export const set = (value: string) => ({ kind: 'set', key, value }) as const;
export const create = (value: string) => ({ kind: 'create', key, value }) as const;
export const compareAndSet = (expectedRevision: number, value: string) =>
    ({ kind: 'compareAndSet', key, value, expectedRevision }) as const;
export const advance = (value: string) => ({ kind: 'advance', key, value }) as const;
export const remove = { kind: 'delete', key } as const;
export const get = { kind: 'get', key } as const;
export const clear = { kind: 'clear' } as const;
export const importKeys = (value: string, onConflict: 'keep' | 'replace' = 'keep') =>
    ({ kind: 'importKeys', values: { [key]: value }, onConflict }) as const;
export const imported = (...refused: string[]): Answer => ({ kind: 'imported', refused });
export const exportKeys = { kind: 'exportKeys', keys: [key] } as const;
export const view = { kind: 'view', view: 'v', keys: [key] } as const;
export const viewed = (lagMs: number, states: Record<string, State> = {}): Answer => ({
    kind: 'viewed',
    states,
    lagMs
});
export const getAll = { kind: 'getAll', keys: [key] } as const;
export const advanced = (number: number): Answer => ({ kind: 'advanced', revision: number });
export const notAdvanced = (value: string, number: number): Answer => ({
    kind: 'notAdvanced',
    current: { value, revision: number }
});
export const ends = (value: string, number: number): { finalStates: Record<string, State> } => ({
    finalStates: { [key]: { value, revision: number } }
});
