#!/usr/bin/env node
import { enableCompileCache, getCompileCacheDir } from 'node:module'

// The compiled code is kept in the folder for temporary files, with which the next start takes half the time: of all modules that are loaded
// from here on, and of those of threads.
enableCompileCache()
const folder = getCompileCacheDir()
if (folder !== undefined) process.env.NODE_COMPILE_CACHE ??= folder

const { createProgram } = await import('./program.ts')
await createProgram().parseAsync()

const { exitWithoutJoiningThreads } = await import('../cells/chassis/exit-process.ts')
exitWithoutJoiningThreads()
