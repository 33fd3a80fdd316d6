import { expect, test } from 'vitest';

import { BrokenPromise, type ConformanceCase, ConformanceSuite, type ServiceName } from '../src/testing.js';
import { type Broken, brokenUnderTest } from './broken/broken-backend.js';
import { brokenMovesOfResumeTokens, brokenMovesOfWatermarks } from './broken/moving.js';
import { brokenResumeTokens } from './broken/resume-tokens.js';
import { brokenViews } from './broken/views.js';
import { brokenWatches } from './broken/watches.js';
import { brokenWatermarks } from './broken/watermarks.js';

/*
 * The suite is worth as much as what it catches. Each of these stores breaks one promise, and the case that is called
 * after the promise must say so.
 */

const withService = (service: ServiceName) => (broken: Broken) => ({ ...broken, service });

const all = [
    ...[...brokenWatermarks, ...brokenWatches, ...brokenViews, ...brokenMovesOfWatermarks].map(
        withService('WatermarkService')
    ),
    ...[...brokenResumeTokens, ...brokenMovesOfResumeTokens].map(withService('ResumeTokenService'))
];

const isMeant = ({ breaks, service }: (typeof all)[number], one: ConformanceCase) =>
    `${one.topic}: ${one.name}` === breaks && one.service === service;

test.each(all)('$defect', async broken => {
    await using suite = new ConformanceSuite(brokenUnderTest(broken));
    const named = suite.cases.find(each => isMeant(broken, each));
    expect(named, `a case called "${broken.breaks}"`).toBeDefined();
    const outcome = await named?.run().then(
        () => 'passed',
        (error: unknown) => error
    );
    expect(outcome).toBeInstanceOf(BrokenPromise);
    expect(String(outcome)).toContain(`"${named?.name}" is not kept. `);
});

test('the same store without the defect keeps each of these promises', async () => {
    await using suite = new ConformanceSuite(brokenUnderTest({ defect: 'none', breaks: '' }));
    const cases = suite.cases.filter(each => all.some(broken => isMeant(broken, each)));
    expect(cases).toHaveLength(new Set(all.map(({ breaks }) => breaks)).size);
    await Promise.all(cases.map(each => each.run()));
});
