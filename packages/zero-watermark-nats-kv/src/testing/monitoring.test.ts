import { expect, test } from 'vitest';
import { fullyRouted, missingInCluster } from './monitoring.js';
import type { NodeView } from './monitoring.js';

const names = ['a', 'b', 'c'];

function view(name: string, changes: Partial<NodeView> = {}): NodeView {
    const others = names.filter(other => other !== name);
    const metaCurrent = name === 'a' ? others : [];
    return { healthy: true, routedTo: others, metaLeader: 'a', metaSize: 3, metaCurrent, ...changes };
}

function cluster(changes: Record<string, Partial<NodeView> | undefined> = {}): Map<string, NodeView | undefined> {
    return new Map(
        names.map(name => [name, name in changes && !changes[name] ? undefined : view(name, changes[name])] as const)
    );
}

test('nothing is missing when all are routed, healthy, current and of one mind', () => {
    expect(missingInCluster(cluster(), 3, true)).toBeUndefined();
});

test.each([
    ['c does not answer', { c: undefined }],
    ['b does not have all routes to a', { b: { routedTo: ['c'] } }],
    ['c knows no JetStream meta leader', { c: { metaLeader: undefined, healthy: false } }],
    ['c is not healthy yet', { c: { healthy: false } }],
    ['b still takes z, which does not run, for the JetStream meta leader', { b: { metaLeader: 'z' } }],
    ['a knows 2 of 3 nodes', { a: { metaSize: 2 } }],
    ['do not agree on a JetStream meta leader (a, b)', { b: { metaLeader: 'b' } }],
    ['c has not caught up with the meta leader a', { a: { metaCurrent: ['b'] } }]
])('says that %s', (problem, changes) => {
    expect(missingInCluster(cluster(changes), 3, true)).toContain(problem);
});

test('a node that is down is not missed by the others, as long as they have a leader', () => {
    const two = cluster();
    two.delete('c');
    expect(missingInCluster(two, 3, true)).toBeUndefined();
});

test('without JetStream only routes and health count', () => {
    const none = { metaLeader: undefined, metaSize: 0, metaCurrent: [] };
    expect(missingInCluster(cluster({ a: none, b: none, c: none }), 3, false)).toBeUndefined();
    expect(missingInCluster(cluster({ a: none, b: { ...none, routedTo: [] }, c: none }), 3, false)).toBe(
        'b does not have all routes to a, c'
    );
});

test('a node is routed to when all connections of the pool are there, not only the system account’s', () => {
    const to = (remote_name: string, account?: string): object => ({ remote_name, ...(account && { account }) });
    const all = [to('a'), to('a'), to('a'), to('a', '$SYS'), to('b'), to('b', '$SYS'), to('b', 'X')];
    expect(fullyRouted(all)).toEqual(['a']);
    expect(fullyRouted([])).toEqual([]);
});
