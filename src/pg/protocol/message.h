// The letters by which PostgreSQL's protocol 3 tells its messages, and what is inside of them,
// apart.
#pragma once

namespace creche::pg {

// What a server in session says.
enum class Backend : char {
  kParseComplete = '1',
  kBindComplete = '2',
  kCloseComplete = '3',
  kNotification = 'A',
  kCommandComplete = 'C',
  kCopyData = 'd',
  kCopyDone = 'c',
  kDataRow = 'D',
  kError = 'E',
  kCopyIn = 'G',
  kCopyOut = 'H',
  kEmptyQuery = 'I',
  kNotice = 'N',
  kParameterStatus = 'S',
  kRowDescription = 'T',
  kCopyBoth = 'W',
  kReadyForQuery = 'Z',
  kNoData = 'n',
  kParameterDescription = 't',
  kPortalSuspended = 's',
};

// What we say.
enum class Frontend : char {
  kBind = 'B',
  kClose = 'C',
  kCopyData = 'd',
  kCopyDone = 'c',
  kCopyFail = 'f',
  kDescribe = 'D',
  kExecute = 'E',
  kParse = 'P',
  kQuery = 'Q',
  kSync = 'S',
};

// What a Describe or a Close names.
enum class Named : char { kStatement = 'S', kPortal = 'P' };

// In a ReadyForQuery.
enum class TransactionStatus : char { kIdle = 'I', kOpen = 'T', kFailed = 'E' };

// In an Error or a Notice.
enum class Field : char {
  kSeverity = 'S',
  kSeverityUntranslated = 'V',
  kSqlstate = 'C',
  kMessage = 'M',
  kDetail = 'D',
  kHint = 'H',
  kPosition = 'P',
  kContext = 'W',
  kSchema = 's',
  kTable = 't',
  kColumn = 'c',
  kDatatype = 'd',
  kConstraint = 'n',
  kRoutine = 'R',
};

}  // namespace creche::pg
