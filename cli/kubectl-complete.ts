#!/usr/bin/env node
import { exitWithoutJoiningThreads } from '../cells/chassis/exit-process.ts'
import { suggest } from './completion.ts'
import { createProgram } from './program.ts'

// kubectl runs kubectl_complete-realm with the words after `kubectl realm`.
suggest(createProgram({ hasCompletion: false }), process.argv.slice(2))
exitWithoutJoiningThreads()
