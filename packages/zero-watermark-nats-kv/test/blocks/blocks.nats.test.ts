import { basename, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ownDocuments, specification, specificationIsThere, typescriptBlocksOf } from './documents.js';
import { BlockProject, type CompileUnit } from './project.js';
import { documentPlans } from './stage/document-plans.js';
import { planOf } from './stage/main.js';
import type { Block, Plan } from './stage/plan.js';
import { specificationPlans } from './stage/specification-plans.js';
import { StageProcess } from './stage-process.js';

/*
 * Every TypeScript block that a user is shown compiles as it stands, in a strict project, against the packages as they
 * are published, and runs against a real server.
 */

interface Example {
    readonly block: Block;
    readonly specified: boolean;
    readonly plan: Plan;
    readonly unit: CompileUnit;
    /** The same block with no flag taken back, to see that taking it back is still needed. */
    readonly strictUnit: CompileUnit | undefined;
}

const project = new BlockProject();
let stage: StageProcess;

function exampleOf(block: Block, specified: boolean): Example {
    const plan = planOf(block, specified);
    const text = { code: block.code, suffix: plan.suffix ?? '', path: pathOf(block) };
    const unit = { ...text, flags: plan.lenient?.flags ?? {} };
    const strictUnit = plan.lenient === undefined ? undefined : { ...text, flags: {} };
    project.add(unit);
    if (strictUnit !== undefined) {
        project.add(strictUnit);
    }
    return { block, specified, plan, unit, strictUnit };
}

/** Files that a document gives are together in a folder of their own. */
function pathOf({ document, file }: Block): string | undefined {
    return file === undefined ? undefined : join(basename(document, '.md'), basename(file, '.ts'));
}

const specified = (specificationIsThere() ? typescriptBlocksOf(specification) : []).map(block =>
    exampleOf(block, true)
);
const own = ownDocuments()
    .flatMap(typescriptBlocksOf)
    .map(block => exampleOf(block, false));

beforeAll(async () => {
    await project.compile();
    stage = new StageProcess(project.stage);
});

afterAll(async () => {
    try {
        await stage?.[Symbol.asyncDispose]();
    } finally {
        project[Symbol.dispose]();
    }
});

test('the packages’ own types are good in a strict project', () => {
    expect(project.problemsElsewhere()).toEqual([]);
});

test(
    specificationIsThere()
        ? 'each plan is for a block that is there'
        : 'each plan is for a block that is there (the specification is not beside this repository: its blocks are not run)',
    () => {
        expect(specified.map(({ block }) => block.name)).toEqual(
            specificationIsThere() ? Object.keys(specificationPlans) : []
        );
        const names = new Set(own.map(({ block }) => `${block.document} # ${block.name}`));
        expect(Object.keys(documentPlans).filter(name => !names.has(name))).toEqual([]);
    }
);

describe.each([...specified, ...own])('$block.document, line $block.line: $block.name', example => {
    const { block, plan, unit, strictUnit } = example;

    const note = typeof plan.run === 'function' ? '' : `; it is not run: ${plan.run.notRun}`;
    test(`compiles as it stands${note}`, () => {
        expect(project.problemsOf(unit)).toEqual([]);
    });

    if (strictUnit !== undefined) {
        test(`needs a strict flag off: ${plan.lenient?.because}`, () => {
            const problems = project.problemsOf(strictUnit);
            expect(problems).toHaveLength(1);
            expect(problems[0]).toContain(plan.lenient?.error);
        });
    }

    if (typeof plan.run === 'function') {
        test('runs', async () => {
            await stage.run({ block, specified: example.specified, scriptPath: project.scriptOf(unit) });
        });
    }
});
