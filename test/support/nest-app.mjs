/**
 * A Nest application in a process of its own, under whichever Nest its node_modules have.
 *
 * It is started with the name of a scenario and its options (JSON), says `{ started }` or `{ failed }`, and then does what it is
 * asked to, one message after another. Written without decorators' syntax, so that nothing stands between it and the
 * built packages. `package.mjs` tells which package it is about.
 */
import 'reflect-metadata';

import { createRequire } from 'node:module';

import { Inject, Injectable, Logger, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';

import { createOptions, moreScenarios, optionsOf, settingsOf, StoreModule, WatermarkService } from './package.mjs';

const [scenario, json] = process.argv.slice(2);
const given = JSON.parse(json);

/** Hooks of the application, in the order in which they ran, with what a write in them came to. */
const hooks = [];

/** A service of a module that imports nothing, and writes in each of Nest's shutdown hooks. */
class Feature {
    constructor(watermarks) {
        this.watermarks = watermarks;
    }
    onModuleDestroy() {
        return this.#write('onModuleDestroy');
    }
    beforeApplicationShutdown() {
        return this.#write('beforeApplicationShutdown');
    }
    onApplicationShutdown() {
        return this.#write('onApplicationShutdown');
    }
    async #write(hook) {
        await this.watermarks.set(hook, 'v1').then(
            () => hooks.push(`${hook}: stored`),
            error => hooks.push(`${hook}: ${error.code}`)
        );
    }
}
Injectable()(Feature);
Inject(WatermarkService)(Feature, undefined, 0);

class FeatureModule {}
Module({ providers: [Feature], exports: [Feature] })(FeatureModule);

class OptionsFactory {
    constructor(config) {
        this.config = config;
    }
    async [createOptions]() {
        return optionsOf(this.config);
    }
}
Injectable()(OptionsFactory);
Inject(ConfigService)(OptionsFactory, undefined, 0);

class OptionsModule {}
const configuration = ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => settingsOf(given)] });
Module({ imports: [configuration], providers: [OptionsFactory], exports: [OptionsFactory] })(OptionsModule);

/** The ways to configure the store. */
const scenarios = {
    forRoot: () => StoreModule.forRoot(given),
    useFactory: () =>
        StoreModule.forRootAsync({
            imports: [configuration],
            inject: [ConfigService],
            useFactory: async config => optionsOf(config)
        }),
    useFactoryWithoutResult: () => StoreModule.forRootAsync({ useFactory: () => undefined }),
    useClass: () => StoreModule.forRootAsync({ imports: [configuration], useClass: OptionsFactory }),
    useExisting: () => StoreModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsFactory }),
    nothing: () => StoreModule.forRootAsync({}),
    ...moreScenarios(given)
};

class AppModule {}
let app;

async function start() {
    Module({ imports: [await scenarios[scenario](), FeatureModule] })(AppModule);
    const options = { abortOnError: false, logger: ['error', 'warn'] };
    const moduleIdGeneratorAlgorithm = given.deepHash === true ? 'deep-hash' : 'reference';
    delete given.deepHash;
    app = await NestFactory.createApplicationContext(AppModule, { ...options, moduleIdGeneratorAlgorithm });
}

const requests = {
    set: ([key, version]) => app.get(Feature).watermarks.set(key, version),
    get: ([key]) => app.get(Feature).watermarks.get(key),
    watch: ([key]) =>
        app
            .get(Feature)
            .watermarks.watch(key, watermark => process.send({ seen: watermark }))
            .then(() => {}),
    nestVersion: async () => createRequire(import.meta.url)('@nestjs/core/package.json').version,
    isWatermarkService: async () => app.get(Feature).watermarks instanceof WatermarkService,
    enableShutdownHooks: async () => void app.enableShutdownHooks(),
    hooks: async () => hooks,
    close: async () => {
        await Promise.all([app.close(), app.close()]);
        return hooks;
    }
};

process.on('message', ({ id, name, args }) => {
    requests[name](args).then(
        value => process.send({ id, value }),
        error => process.send({ id, error: { code: error.code, message: error.message } })
    );
});

start().then(
    () => process.send({ started: true }),
    error => {
        process.send({ failed: { name: error.name, code: error.code, message: error.message } });
        process.disconnect();
    }
);
process.on('disconnect', () => Logger.flush());
