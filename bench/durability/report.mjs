// @ts-check
import { decimal, spread, table } from '../shared/markdown.mjs';

/** @typedef {ReturnType<typeof import('../shared/machine.mjs').machineFacts>} MachineFacts */
/** @typedef {import('./flushes.mjs').Flushes} Flushes */
/** @typedef {import('./cost.mjs').Cost} Cost */
/**
 * @typedef {{ machine: MachineFacts & { loadAfter: number }, settings: object, flushes: Flushes[] | undefined,
 *     cost: Cost[] }} Results
 */

/**
 * The results for people.
 *
 * @param {Results} results
 */
export function toMarkdown({ machine, settings, flushes, cost }) {
    const { cores, processor, memoryGiB, platform, node, date, loadBefore, loadAfter } = machine;
    return [
        '# What durability costs',
        '',
        'Measured in one run of `npm run bench:durability`. Servers and client share one machine, so only the ratios mean',
        'something; a disk that takes longer to flush makes `always` cost more.',
        '',
        `nats-server ${cost[0]?.version}, ${cores} cores (${processor}), ${memoryGiB} GiB, ${platform}, Node ${node}, ` +
            `${date}. Load of the machine in the minute before: ${loadBefore}, in the last minute: ${loadAfter}. ` +
            `Settings: \`${JSON.stringify(settings)}\`.`,
        '',
        '## Flushes',
        '',
        ...(flushes === undefined ? ['Not counted: strace was not to be had.', ''] : flushLines(flushes)),
        '## Rates',
        '',
        'The default of two minutes and `always` in turn (A B A B). Each figure is a median of all rounds, with the lowest and',
        'the highest in brackets; the ratio is taken within each round.',
        '',
        ...table(
            ['', 'Default, a second', '`always`, a second', 'Ratio'],
            cost.map(({ replicas, name, existing, ours, ratio }) => [
                `${replicas === 1 ? 'one server' : 'three servers, R3'}, ${name}`,
                spread(existing, 0),
                spread(ours, 0),
                spread(ratio, 2)
            ])
        ),
        ''
    ].join('\n');
}

/** @param {readonly Flushes[]} flushes */
function flushLines(flushes) {
    const syncs = [...new Set(flushes.map(({ sync }) => sync))];
    const rows = [...new Set(flushes.map(({ replicas, what }) => `${replicas} ${what}`))];
    return [
        'How often all servers together flushed (`fsync`, `fdatasync`) from the first write until 1.5 seconds after the last:',
        '',
        ...table(
            ['', ...syncs.map(sync => `\`sync_interval\` ${sync === '1000' ? '1s' : sync}`)],
            rows.map(row => {
                const ofRow = flushes.filter(({ replicas, what }) => `${replicas} ${what}` === row);
                const [first] = ofRow;
                return [
                    `${first?.replicas === 1 ? 'one server' : 'three servers, R3'}, ${first?.what}`,
                    ...ofRow.map(({ flushes: count }) => decimal(count, 0))
                ];
            })
        ),
        ''
    ];
}
