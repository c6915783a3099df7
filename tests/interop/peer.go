// Checks what our log says with other people's code (golang.org/x/mod/sumdb), and makes trees for our verifiers.
//
// JSON commands on standard input, one JSON answer a line on standard output: a value, or an error that says what does
// not hold. Nothing here knows how our programs work: only files, notes, sizes and hashes go in.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type command struct {
	Do      string   `json:"do"`
	Vkey    string   `json:"vkey"`
	Skey    string   `json:"skey"`
	Note    string   `json:"note"`
	Folder  string   `json:"folder"`
	Index   int64    `json:"index"`
	Size    int64    `json:"size"`
	Old     int64    `json:"old"`
	OldRoot string   `json:"old_root"`
	Root    string   `json:"root"`
	Path    []string `json:"path"`
	Leaf    string   `json:"leaf"`
}

type answer struct {
	Value interface{} `json:"value"`
	Error string      `json:"error"`
}

func main() {
	works := map[string]func(command) (interface{}, error){
		"open":        open,
		"inclusion":   inclusion,
		"consistency": consistency,
		"folder":      folder,
		"grow":        grow,
	}
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	encoder := json.NewEncoder(os.Stdout)
	for decoder.More() {
		var given command
		if err := decoder.Decode(&given); err != nil {
			stop(err)
		}
		work, known := works[given.Do]
		if !known {
			stop(fmt.Errorf("no such command: %q", given.Do))
		}
		var said answer
		value, err := work(given)
		if err != nil {
			said.Error = err.Error()
		} else {
			said.Value = value
		}
		if err := encoder.Encode(said); err != nil {
			stop(err)
		}
	}
}

func stop(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A checkpoint as the note's text gives it.
type head struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	hash   tlog.Hash
}

func openNote(vkey string, text string) (head, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return head{}, err
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return head{}, err
	}
	// tlog.ParseTree wants another first line; the rest of the form is the same.
	origin, rest, found := strings.Cut(opened.Text, "\n")
	if !found || origin != verifier.Name() {
		return head{}, fmt.Errorf("the origin %q is not the key's name", origin)
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return head{}, err
	}
	return head{origin, tree.N, tree.Hash.String(), tree.Hash}, nil
}

func open(given command) (interface{}, error) {
	return openNote(given.Vkey, given.Note)
}

func hashes(texts []string) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(texts))
	for place, text := range texts {
		value, err := tlog.ParseHash(text)
		if err != nil {
			return nil, err
		}
		found[place] = value
	}
	return found, nil
}

func inclusion(given command) (interface{}, error) {
	path, err := hashes(given.Path)
	if err != nil {
		return nil, err
	}
	ends, err := hashes([]string{given.Root, given.Leaf})
	if err != nil {
		return nil, err
	}
	return true, tlog.CheckRecord(path, given.Size, ends[0], given.Index, ends[1])
}

func consistency(given command) (interface{}, error) {
	path, err := hashes(given.Path)
	if err != nil {
		return nil, err
	}
	ends, err := hashes([]string{given.Root, given.OldRoot})
	if err != nil {
		return nil, err
	}
	return true, tlog.CheckTree(path, given.Size, ends[0], given.Old, ends[1])
}

// tiles reads a published folder as sumdb's client reads tiles; it has one path scheme, tlog-tiles another.
type tiles struct {
	folder string
	read   map[string]bool
}

func (t tiles) Height() int { return tileHeight }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for place, tile := range wanted {
		name := path(tile)
		data, err := os.ReadFile(filepath.Join(t.folder, name))
		if err != nil {
			return nil, err
		}
		t.read[name] = true
		found[place] = data
	}
	return found, nil
}

func (t tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

// path makes tlog-tiles' path of sumdb's: tile/8/0/x001/067.p/5 is tile/0/x001/067.p/5 there.
func path(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
}

// folder recomputes a published folder: every tile from the leaves that its bundles or level 0 hold, up to the root.
func folder(given command) (interface{}, error) {
	text, err := os.ReadFile(filepath.Join(given.Folder, "checkpoint"))
	if err != nil {
		return nil, err
	}
	at, err := openNote(given.Vkey, string(text))
	if err != nil {
		return nil, err
	}
	tree := tlog.Tree{N: at.Size, Hash: at.hash}
	reader := tiles{given.Folder, map[string]bool{}}
	leaves, err := tlog.TileHashReader(tree, reader).ReadHashes(leafIndexes(at.Size))
	if err != nil {
		return nil, err
	}
	bundled := filepath.Join(given.Folder, "tile", "entries")
	if _, err := os.Stat(bundled); err == nil {
		if err := checkBundles(given.Folder, leaves); err != nil {
			return nil, err
		}
	}
	stored, err := storedHashes(leaves)
	if err != nil {
		return nil, err
	}
	root, err := tlog.TreeHash(at.Size, stored)
	if err != nil {
		return nil, err
	}
	if root != at.hash {
		return nil, fmt.Errorf("the tiles give another root")
	}
	compared := 0
	for _, tile := range tilesOf(at.Size) {
		want, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return nil, err
		}
		got, err := os.ReadFile(filepath.Join(given.Folder, path(tile)))
		if err != nil {
			return nil, err
		}
		if string(got) != string(want) {
			return nil, fmt.Errorf("%s is not what the leaves give", path(tile))
		}
		compared++
	}
	single, err := checkEntries(given.Folder, leaves)
	return map[string]interface{}{"size": at.Size, "root": at.Root, "tiles": compared, "entries": single}, err
}

// tilesOf lists the tiles of a tree. NewTiles also names every narrower one that the last tile of a level has been.
func tilesOf(size int64) []tlog.Tile {
	var found []tlog.Tile
	for _, tile := range tlog.NewTiles(tileHeight, 0, size) {
		if tile.W == 1<<tileHeight || tile.N<<tileHeight+int64(tile.W) == size>>(tileHeight*tile.L) {
			found = append(found, tile)
		}
	}
	return found
}

func leafIndexes(size int64) []int64 {
	indexes := make([]int64, size)
	for place := range indexes {
		indexes[place] = tlog.StoredHashIndex(0, int64(place))
	}
	return indexes
}

// storedHashes builds a whole tree from its leaves.
func storedHashes(leaves []tlog.Hash) (tlog.HashReaderFunc, error) {
	var all []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for place, index := range indexes {
			if index >= int64(len(all)) {
				return nil, fmt.Errorf("no hash %d", index)
			}
			found[place] = all[index]
		}
		return found, nil
	})
	for place, leaf := range leaves {
		added, err := tlog.StoredHashesForRecordHash(int64(place), leaf, reader)
		if err != nil {
			return nil, err
		}
		all = append(all, added...)
	}
	return reader, nil
}

// checkBundles compares every entry of every bundle with the leaf hash of its place.
func checkBundles(folder string, leaves []tlog.Hash) error {
	for _, tile := range tilesOf(int64(len(leaves))) {
		if tile.L != 0 {
			continue
		}
		name := strings.Replace(path(tile), "tile/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		for place := 0; place < tile.W; place++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return fmt.Errorf("%s is too short", name)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			if tlog.RecordHash(data[2:end]) != leaves[tile.N<<tileHeight+int64(place)] {
				return fmt.Errorf("entry %d of %s has another leaf hash", place, name)
			}
			data = data[end:]
		}
		if len(data) != 0 {
			return fmt.Errorf("%s is too long", name)
		}
	}
	return nil
}

// checkEntries compares every entry that stands by itself with the leaf hash of its place.
func checkEntries(folder string, leaves []tlog.Hash) (int, error) {
	single := 0
	for index, leaf := range leaves {
		name := strings.Replace(path(tlog.Tile{H: tileHeight, N: int64(index), W: 1 << tileHeight}), "tile/0/", "entry/", 1)
		data, err := os.ReadFile(filepath.Join(folder, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return single, err
		}
		if tlog.RecordHash(data) != leaf {
			return single, fmt.Errorf("%s has another leaf hash", name)
		}
		single++
	}
	return single, nil
}

// A tree that Go grew: roots of every size, proofs of every pair, the tiles and a signed checkpoint of the last.
type grown struct {
	Note        string            `json:"note"`
	Roots       []string          `json:"roots"`
	Inclusion   []proof           `json:"inclusion"`
	Consistency []proof           `json:"consistency"`
	Tiles       map[string]string `json:"tiles"`
}

type proof struct {
	First int64    `json:"first"`
	Size  int64    `json:"size"`
	Path  []string `json:"path"`
}

func texts(path []tlog.Hash) []string {
	found := make([]string, len(path))
	for place, value := range path {
		found[place] = value.String()
	}
	return found
}

func grow(given command) (interface{}, error) {
	leaves := make([]tlog.Hash, given.Size)
	for index := range leaves {
		leaves[index] = tlog.RecordHash([]byte(fmt.Sprintf("entry-%d", index)))
	}
	stored, err := storedHashes(leaves)
	if err != nil {
		return nil, err
	}
	empty := sha256.Sum256(nil)
	made := grown{Roots: []string{base64.StdEncoding.EncodeToString(empty[:])}, Tiles: map[string]string{}}
	for size := int64(1); size <= given.Size; size++ {
		root, err := tlog.TreeHash(size, stored)
		if err != nil {
			return nil, err
		}
		made.Roots = append(made.Roots, root.String())
		if size <= given.Old {
			if err := made.prove(size, stored); err != nil {
				return nil, err
			}
		}
	}
	for _, tile := range tilesOf(given.Size) {
		data, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return nil, err
		}
		made.Tiles[path(tile)] = base64.StdEncoding.EncodeToString(data)
	}
	err = made.sign(given)
	return made, err
}

// prove adds every proof that ends at size.
func (made *grown) prove(size int64, stored tlog.HashReader) error {
	for first := int64(0); first < size; first++ {
		record, err := tlog.ProveRecord(size, first, stored)
		if err != nil {
			return err
		}
		made.Inclusion = append(made.Inclusion, proof{first, size, texts(record)})
		tree, err := tlog.ProveTree(size, first+1, stored)
		if err != nil {
			return err
		}
		made.Consistency = append(made.Consistency, proof{first + 1, size, texts(tree)})
	}
	return nil
}

func (made *grown) sign(given command) error {
	signer, err := note.NewSigner(given.Skey)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), given.Size, made.Roots[given.Size])
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	made.Note = string(signed)
	return err
}
