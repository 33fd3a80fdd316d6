// @ts-check
import { decimal, spread, table } from '../shared/markdown.mjs';

/** @typedef {import('./throughput.mjs').CaseResult} CaseResult */
/** @typedef {import('./round-trips.mjs').RoundTrips} RoundTrips */
/** @typedef {import('./storage.mjs').StorageResult} StorageResult */
/** @typedef {ReturnType<typeof import('../shared/machine.mjs').machineFacts>} MachineFacts */
/**
 * @typedef {{ label: string, version: string, replicas: number, isForInformation: boolean, throughput: CaseResult[],
 *     roundTrips?: RoundTrips[], storage?: StorageResult }} PlaceResult
 * @typedef {{ machine: MachineFacts, settings: object, places: PlaceResult[] }} Results
 */

/**
 * The results for people.
 *
 * @param {Results} results
 */
export function toMarkdown({ machine, settings, places }) {
    const { cores, processor, memoryGiB, platform, node, date, loadBefore } = machine;
    return [
        '# Resume tokens against the algorithm that change sources used before',
        '',
        'Measured side by side in one run of `npm run bench:resume-tokens`, in turn (A B A B), on the same server, with the',
        'same connection options. Server and client share the machine, so only the ratios mean something. Each figure is a',
        'median of all rounds, with the lowest and the highest in brackets; ratios are taken within each round.',
        '',
        `${cores} cores (${processor}), ${memoryGiB} GiB, ${platform}, Node ${node}, ${date}. Load of the machine in the ` +
            `minute before: ${loadBefore}. Settings: \`${JSON.stringify(settings)}\`.`,
        '',
        ...places.flatMap(placeSection)
    ].join('\n');
}

/** @param {PlaceResult} place */
function placeSection({ label, isForInformation, throughput, roundTrips, storage }) {
    return [
        `## ${label}${isForInformation ? ' (for information)' : ''}`,
        '',
        ...table(
            ['New tokens a second', 'Before', 'Now', 'Ratio', ...(isForInformation ? [] : ['At least', ''])],
            throughput.map(({ name, target, existing, ours, ratio }) => [
                name,
                spread(existing, 0),
                spread(ours, 0),
                spread(ratio, 1),
                ...(isForInformation ? [] : [String(target), ratio.median >= target ? 'reached' : 'missed'])
            ])
        ),
        '',
        ...(roundTrips === undefined ? [] : roundTripLines(roundTrips)),
        ...(storage === undefined ? [] : storageLines(storage))
    ];
}

/** @param {readonly RoundTrips[]} roundTrips */
function roundTripLines(roundTrips) {
    return [
        ...table(
            ['Requests an operation', 'Before', 'Now'],
            roundTrips.map(({ name, existing, ours }) => [name, decimal(existing, 2), decimal(ours, 2)])
        ),
        ''
    ];
}

/** @param {StorageResult} storage */
function storageLines({ existing, ours, acknowledged, limit, atRest, retainTokens, tokensASecond }) {
    const most = Math.max(...acknowledged.map(({ messages }) => messages));
    const tokens = acknowledged.at(-1)?.tokens ?? 0;
    return [
        ...table(
            ['Kept by the server', 'Tokens', 'Messages', 'a token', 'Bytes', 'a token'],
            [
                ['before', existing],
                ['now', ours]
            ].map(([side, kept]) => {
                const sample = /** @type {import('./storage.mjs').Sample} */ (kept);
                return [
                    String(side),
                    decimal(sample.tokens, 0),
                    decimal(sample.messages, 0),
                    decimal(sample.messages / sample.tokens, 2),
                    decimal(sample.bytes, 0),
                    decimal(sample.bytes / sample.tokens, 0)
                ];
            })
        ),
        '',
        `With \`acknowledge\` after each thousand, \`retainMs: 0\` and \`retainTokens: ${retainTokens}\`, at ` +
            `${decimal(tokensASecond, 0)} tokens a second: never more than ${decimal(most, 0)} messages in ` +
            `${acknowledged.length} samples over ${decimal(tokens, 0)} tokens (limit: ${decimal(limit, 0)}, what comes ` +
            `between two purges), ${decimal(atRest.messages, 0)} afterwards.`,
        '',
        ...table(
            ['Tokens so far', 'Messages kept', 'Bytes kept'],
            acknowledged
                .filter((_, index) => (index + 1) % Math.max(1, Math.round(acknowledged.length / 20)) === 0)
                .map(({ tokens: soFar, messages, bytes }) => [soFar, messages, bytes].map(value => decimal(value, 0)))
        ),
        ''
    ];
}
