// @ts-check
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';

import { machineFacts } from '../shared/machine.mjs';
import { saveResults } from '../shared/results.mjs';
import { startPlace } from '../shared/servers.mjs';
import { toMarkdown } from './report.mjs';
import { countRoundTrips } from './round-trips.mjs';
import { measureStorage } from './storage.mjs';
import { measureThroughput } from './throughput.mjs';

const USAGE = `npm run bench:resume-tokens -- [options]

  --quick           a few seconds on one server, to see that everything works; the times mean nothing, nothing is saved
  --only <place>    single, cluster or oldest; may be given more than once; nothing is saved
  --rounds <n>      how many rounds each case has (7)
`;

const full = {
    rounds: 7,
    windowMs: 1_000,
    warmUpMs: 1_000,
    roundTripTokens: 1_000,
    storage: { tokens: 200_000, existingTokens: 10_000, tokensASecond: 10_000, retainTokens: 1_000 }
};

const quick = {
    rounds: 1,
    windowMs: 100,
    warmUpMs: 50,
    roundTripTokens: 100,
    storage: { tokens: 10_000, existingTokens: 500, tokensASecond: 4_000, retainTokens: 1_000 }
};

/** Two replicas more, or the oldest server, say how speed changes; what is counted stays the same. */
const places = /** @type {const} */ ({
    single: { role: 'newest', replicas: 1, isForInformation: false, isCounted: true },
    cluster: { role: 'newest', replicas: 3, isForInformation: false, isCounted: false },
    oldest: { role: 'oldest', replicas: 1, isForInformation: true, isCounted: false }
});

/** @param {string} line */
const say = line => process.stderr.write(`${line}\n`);

const { values: options } = parseArgs({
    options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        help: { type: 'boolean', default: false }
    }
});
const rounds = options.rounds === undefined ? undefined : Number(options.rounds);
const chosen = Object.entries(places).filter(([name]) =>
    options.only === undefined ? !options.quick || name === 'single' : options.only.includes(name)
);
if (options.help || chosen.length === 0 || (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))) {
    say(USAGE);
    process.exitCode = options.help ? 0 : 2;
} else {
    await run();
}

async function run() {
    const base = options.quick ? quick : full;
    const settings = { ...base, rounds: rounds ?? base.rounds };
    const machine = machineFacts();
    /** @type {import('./report.mjs').PlaceResult[]} */
    const measured = [];
    for (const [name, { role, replicas, isForInformation, isCounted }] of chosen) {
        const place = await startPlace(role, replicas);
        if (place === undefined) {
            say(`${name}: skipped, the set-up has put no ${role} nats-server in place`);
            continue;
        }
        say(place.label);
        try {
            const counts = isCounted
                ? {
                      roundTrips: await countRoundTrips(place, settings.roundTripTokens),
                      storage: await measureStorage(place, settings.storage)
                  }
                : {};
            const throughput = await measureThroughput(place, settings, say);
            const { label, version } = place;
            measured.push({ label, version, replicas, isForInformation, throughput, ...counts });
        } finally {
            await place.stop();
        }
    }
    const report = { machine, settings, places: measured };
    const markdown = toMarkdown(report);
    process.stdout.write(`${markdown}\n`);
    if (!options.quick && options.only === undefined) {
        say(await saveResults('resume-tokens', report, markdown));
    }
    measured.forEach(check);
}

/**
 * What must hold on any machine, however slow: the counts, not the times.
 *
 * @param {import('./report.mjs').PlaceResult} place
 */
function check({ roundTrips = [], storage }) {
    for (const { name, ours, expected } of roundTrips) {
        assert.ok(expected === undefined || ours === expected, `${name}: ${ours} requests instead of ${expected}`);
    }
    if (storage !== undefined) {
        const { ours, acknowledged, limit, atRest, retainTokens } = storage;
        assert.ok(ours.messages <= ours.tokens, `${ours.messages} messages for ${ours.tokens} tokens`);
        const most = Math.max(...acknowledged.map(({ messages }) => messages));
        assert.ok(most <= limit, `${most} messages although tokens were acknowledged; expected at most ${limit}`);
        assert.ok(atRest.messages <= retainTokens + 1, `${atRest.messages} messages are left at rest`);
    }
}
