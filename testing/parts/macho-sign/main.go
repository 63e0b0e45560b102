// Signs a Mach-O file ad hoc, that is without a certificate: macho-sign FILE IDENTIFIER. Apple Silicon starts no program without a signature.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/anchore/quill/quill"
	"github.com/anchore/quill/quill/macho"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: macho-sign FILE IDENTIFIER")
		os.Exit(2)
	}
	if err := sign(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func sign(path, identifier string) error {
	file, err := macho.NewFile(path)
	if err != nil {
		return err
	}
	if err := align(file); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	config, err := quill.NewSigningConfigFromPEMs(path, "", "", "", false)
	if err != nil {
		return err
	}
	return quill.Sign(*config.WithIdentity(identifier))
}

// align moves the string table to a multiple of 8 bytes, and ends the file at a multiple of 16, where the signature begins: macOS starts
// nothing whose string table or signature is elsewhere, and a file to which a segment was added has both where they happen to be.
func align(file *macho.File) error {
	command, stringsAt, stringsSize, err := stringTable(file)
	if err != nil {
		return err
	}
	last := file.Segment("__LINKEDIT")
	if last == nil {
		return errors.New("the file has no segment __LINKEDIT")
	}
	end := last.Offset + last.Filesz
	if end < stringsAt+stringsSize || end-stringsAt-stringsSize >= 16 {
		return errors.New("the file does not end with its string table: is it signed already?")
	}
	table := make([]byte, end-stringsAt)
	if _, err := file.ReadAt(table, int64(stringsAt)); err != nil {
		return err
	}
	moved := roundUp(stringsAt, 8)
	end = roundUp(moved+uint64(len(table)), 16)
	content := make([]byte, end-stringsAt)
	copy(content[moved-stringsAt:], table)
	if err := file.Patch(content, len(content), stringsAt); err != nil {
		return err
	}
	if err := file.Patch(binary.LittleEndian.AppendUint32(nil, uint32(moved)), 4, command+16); err != nil {
		return err
	}
	last.Filesz = end - last.Offset
	last.Memsz = max(last.Memsz, roundUp(last.Filesz, 0x4000))
	return file.UpdateSegmentHeader(last.SegmentHeader)
}

// stringTable is where LC_SYMTAB is in the file, and where it says that the string table is, which debug/macho does not tell.
func stringTable(file *macho.File) (command, offset, size uint64, err error) {
	const headerBytes, symtab = 32, 2
	command = headerBytes
	for _, load := range file.Loads {
		raw := load.Raw()
		if binary.LittleEndian.Uint32(raw) == symtab {
			return command, uint64(binary.LittleEndian.Uint32(raw[16:])), uint64(binary.LittleEndian.Uint32(raw[20:])), nil
		}
		command += uint64(len(raw))
	}
	return 0, 0, 0, errors.New("the file has no string table")
}

func roundUp(value, multiple uint64) uint64 { return (value + multiple - 1) / multiple * multiple }
