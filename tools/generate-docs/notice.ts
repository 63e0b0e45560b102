import { lockedPackages } from '../locked-packages.ts'

/** NOTICE: the licences of everything that is in the image, or that npm installs beside the package. */
export function noticeText(): string {
  const shipped = lockedPackages().filter(({ dev }) => !dev)
  const byLicense = Map.groupBy(shipped, ({ path, license }) => {
    if (!license) throw new Error(`package-lock.json names no license for ${path}`)
    return license.replace(/^\(|\)$/g, '')
  })
  const lists = [...byLicense]
    .sort(([one], [other]) => one.localeCompare(other, 'en'))
    .map(([license, packages]) => {
      const names = packages.map(({ name, version }) => `  ${name} ${version}`)
      return [license, ...new Set(names.sort((one, other) => one.localeCompare(other, 'en')))].join('\n')
    })
  return `${[head, ...lists].join('\n\n')}\n`
}

const head = `realm-operator
Copyright the realm-operator authors

This product is licensed under the Apache License, Version 2.0 (LICENSE).

Its image contains the packages below, as files of their own in /app/node_modules; each has its licence file where its author ships one. Parts
of most of them, of eth-connect none, are also in the programs of the image, in /app/dist; a comment names the file that each part is from. The
npm package contains none of them: npm installs them beside it. This list is written by "npm run generate" from package-lock.json.

eth-connect is licensed under the GNU Lesser General Public License, version 3. It is used unmodified, through its public interface, and loaded
at run time from /app/node_modules/eth-connect, so it can be replaced there by another version of the same interface. Its source is at
https://github.com/decentraland/eth-connect. The texts of the LGPL-3.0 and of the GPL-3.0 are in /usr/share/common-licenses of the
image. Who distributes the image, or an image built on it, passes on this notice and these texts. Who installs the npm package receives
eth-connect from its own authors, under its own licence.

@electric-sql/pglite contains PostgreSQL, under the PostgreSQL Licence.`
