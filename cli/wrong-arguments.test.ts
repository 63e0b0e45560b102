import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { realmctlCommands } from '../testing/realmctl.ts'

/** What a command says of some words, and which exit code commander asks for; it does nothing. */
function refusalOf(command: Command, words: readonly string[]): string {
  let said = ''
  command
    .exitOverride((error) => {
      throw error
    })
    .configureOutput({ outputError: (text) => (said += text), writeErr: () => {}, writeOut: () => {} })
    .action(() => {})
  try {
    command.parse(words, { from: 'user' })
    return 'accepted'
  } catch {
    return said
  }
}

/** Of each way to read a value, one that it refuses, and what is said. */
const wrongValues: Readonly<Record<string, readonly [value: string, says: RegExp]>> = {
  span: ['ten minutes', /expected a time such as 90s, 10m or 1h/],
  seconds: ['0', /expected a number of seconds from 1 to 3600/],
  days: ['-1', /expected a number of days/],
  httpUrl: ['127.0.0.1:3000', /expected http:\/\/… or https:\/\/…/],
  portNumber: ['99999', /a port is a number from 0 to 65535/],
  wholeNumber: ['many', /expected a number, such as 3/],
  parcel: ['here', /expected a parcel such as 10,-4/],
}

const names = realmctlCommands().map(({ words }) => words)

test.each(names)('%s refuses an option it does not have, a word too many, and each value that is none', (name) => {
  const fresh = () => realmctlCommands().find(({ words }) => words === name)?.command as Command
  const command = fresh()
  const required = command.options
    .filter(({ mandatory }) => mandatory)
    .flatMap((option) => [option.long ?? '', option.parseArg ? 'http://realm.example' : 'x'])
  expect(refusalOf(fresh(), [...required, '--frobnicate'])).toMatch(/unknown option '--frobnicate'/)
  const isVariadic = command.registeredArguments.some(({ variadic }) => variadic)
  const args = command.registeredArguments.map(
    ({ argChoices, parseArg }) => argChoices?.[0] ?? (parseArg ? 'http://x.example' : 'x'),
  )
  if (!isVariadic) expect(refusalOf(fresh(), [...args, 'more', ...required])).toMatch(/too many arguments/)
  for (const { long, parseArg, argChoices } of command.options) {
    if (long && argChoices) expect(refusalOf(fresh(), [...args, long, 'frobnicate'])).toMatch(/Allowed choices are/)
    const reader = parseArg && wrongValues[parseArg.name]
    if (reader)
      expect([long, refusalOf(fresh(), [...args, `${long}=${reader[0]}`])]).toEqual([long, expect.stringMatching(reader[1])])
  }
  for (const { parseArg } of command.registeredArguments) {
    const reader = parseArg && wrongValues[parseArg.name]
    if (reader) expect(refusalOf(fresh(), [...required, reader[0]])).toMatch(reader[1])
  }
})

test('every value that is read has a wrong one in this table', () => {
  const readers = realmctlCommands().flatMap(({ command }) =>
    [...command.options, ...command.registeredArguments].flatMap(({ parseArg, argChoices }) =>
      parseArg && !argChoices ? [parseArg.name] : [],
    ),
  )
  expect(new Set(readers)).toEqual(new Set(Object.keys(wrongValues)))
})
