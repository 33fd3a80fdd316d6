/**
 * Prints all that Nest applications with the store could show: what Nest logs while one starts or fails to, the error, what
 * exception filters answer and log, and the container itself.
 *
 * It is started with the applications to start (JSON): how the module is declared, with which options, how Nest logs.
 */
import 'reflect-metadata';

import { inspect } from 'node:util';

import { ResumeTokenService, WatermarkService, ZeroWatermarkNatsKvModule } from '@cbnsndwch/zero-watermark-nats-kv';
import { ConsoleLogger, Injectable, Module } from '@nestjs/common';
import { BaseExceptionFilter, NestFactory } from '@nestjs/core';

function declare(way, options) {
    class OptionsFactory {
        createNatsKvOptions() {
            return options;
        }
    }
    Injectable()(OptionsFactory);
    switch (way) {
        case 'forRoot':
            return ZeroWatermarkNatsKvModule.forRoot(options);
        case 'useFactory':
            return ZeroWatermarkNatsKvModule.forRootAsync({ useFactory: () => options });
        default:
            return ZeroWatermarkNatsKvModule.forRootAsync({ useClass: OptionsFactory });
    }
}

const show = value => console.log(inspect(value, { depth: Infinity, showHidden: true, getters: true }));

/** What Nest answers by itself, and what a filter that says more does. */
function showFailure(error) {
    const reply = (_, body) => console.log('answer', JSON.stringify(body));
    const filter = new BaseExceptionFilter({ reply, isHeadersSent: () => false, end: () => {} });
    filter.catch(error, { getArgByIndex: () => ({}) });
    const { message, stack, cause } = error;
    console.log('answer', JSON.stringify({ ...error, message, stack, cause: { ...cause, message: cause?.message } }));
    // As Node prints what nobody catches.
    console.log(error);
    show(error);
}

async function run({ way, options, asJson }) {
    const declared = declare(way, options);
    show(declared);
    class AppModule {}
    Module({ imports: [declared] })(AppModule);
    const logger = asJson ? { logger: new ConsoleLogger({ json: true, depth: Infinity }) } : {};
    const app = await NestFactory.createApplicationContext(AppModule, { abortOnError: false, ...logger });
    show(app);
    const watermarks = app.get(WatermarkService);
    show([app.get(ZeroWatermarkNatsKvModule), watermarks, app.get(ResumeTokenService)]);
    await watermarks.set('users', 'v1');
    await watermarks.set('forbidden', 'v1').catch(showFailure);
    await app.close();
    await watermarks.get('users').catch(showFailure);
}

for (const application of JSON.parse(process.argv[2])) {
    await run(application).catch(showFailure);
}
console.log('all was shown');
