package ipset

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Errors that callers decide by.
var (
	ErrNoSet      = errors.New("no such set")
	ErrSetExists  = errors.New("a set of that name exists")
	ErrShape      = errors.New("the set exists with another type, range or extensions and rules refer to it")
	ErrReferenced = errors.New("rules refer to the set")
	ErrNoEntry    = errors.New("no such entry")
	ErrFull       = errors.New("the set is full")
	ErrRange      = errors.New("the address is outside of the set's range")
	ErrNoType     = errors.New("the kernel does not have this type of set")
	ErrTimeout    = errors.New("the timeout is too long or the set takes none")
	ErrProtocol   = errors.New("the kernel did not understand the message")
	ErrVersion    = errors.New("the kernel speaks no version of the protocol that we know")
	ErrMalformed  = errors.New("malformed message from the kernel")
)

// The private error numbers of enum ipset_errno; from errTypeSpecific on they depend on the set's type.
const (
	errProtocol     syscall.Errno = 4097
	errFindType     syscall.Errno = 4098
	errMaxSets      syscall.Errno = 4099
	errBusy         syscall.Errno = 4100
	errTypeMismatch syscall.Errno = 4102
	errExist        syscall.Errno = 4103
	errFamily       syscall.Errno = 4106
	errTimeout      syscall.Errno = 4107
	errReferenced   syscall.Errno = 4108
	errIPv4         syscall.Errno = 4109
	errIPv6         syscall.Errno = 4110
	errCounter      syscall.Errno = 4111
	errSKBInfo      syscall.Errno = 4114
	errTypeSpecific syscall.Errno = 4352 // IPSET_ERR_BITMAP_RANGE of bitmaps, which are never full, IPSET_ERR_HASH_FULL of hashes
)

// command is what was asked: the kernel's numbers mean different things to different commands.
type command uint8

const (
	cmdProtocol command = 1
	cmdCreate   command = 2
	cmdDestroy  command = 3
	cmdFlush    command = 4
	cmdList     command = 7
	cmdAdd      command = 9
	cmdDel      command = 10
	cmdTest     command = 11
)

func (c command) String() string {
	switch c {
	case cmdProtocol:
		return "ask version"
	case cmdCreate:
		return "create"
	case cmdDestroy:
		return "destroy"
	case cmdFlush:
		return "flush"
	case cmdList:
		return "list"
	case cmdAdd:
		return "add to"
	case cmdDel:
		return "delete from"
	case cmdTest:
		return "look in"
	default:
		return fmt.Sprintf("command %d on", uint8(c))
	}
}

// explain wraps err as "ipset: verb set: cause", with a sentinel in place of a number where there is one.
func explain(cmd command, set string, err error) error { return explainType(cmd, set, false, err) }

// explainType is explain where it matters whether the set is a bitmap.
func explainType(cmd command, set string, bitmap bool, err error) error {
	if err == nil {
		return nil
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if cause := meaning(cmd, errno, bitmap); cause != nil {
			err = cause
		} else if errno >= errProtocol {
			err = fmt.Errorf("ipset error %d", errno)
		}
	}
	if set == "" {
		return fmt.Errorf("ipset: %s: %w", cmd, err)
	}
	return fmt.Errorf("ipset: %s %s: %w", cmd, set, err)
}

func meaning(cmd command, errno syscall.Errno, bitmap bool) error {
	switch errno {
	case unix.ENOENT:
		return ErrNoSet
	case unix.EEXIST:
		return ErrSetExists
	case errProtocol:
		return ErrProtocol
	case errFindType:
		return ErrNoType
	case errMaxSets:
		return errors.New("the kernel takes no more sets")
	case errBusy, errReferenced:
		return ErrReferenced
	case errTypeMismatch:
		return errors.New("the types of the sets differ")
	case errExist:
		if cmd == cmdAdd {
			return errors.New("the entry is there already")
		}
		return ErrNoEntry
	case errFamily, errIPv4, errIPv6:
		return errors.New("the address is of another family than the set")
	case errTimeout:
		return ErrTimeout
	case errCounter:
		return errors.New("the set has no counters")
	case errSKBInfo:
		return errors.New("the set has no skbinfo")
	case errTypeSpecific:
		if bitmap {
			return ErrRange
		}
		return ErrFull
	}
	return nil
}
