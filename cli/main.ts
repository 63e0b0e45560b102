#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { createProgram } from './program.ts'

// The compiled code is kept in the folder for temporary files, with which the next start takes half the time.
enableCompileCache()

await createProgram().parseAsync()
