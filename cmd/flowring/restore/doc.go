// Package restore makes the data folder of a node from a backup.
//
// Run first checks the backup as package check does, because a node would refuse a damaged one later, or miss hours.
// Then it copies the files into a folder that is missing or empty. The file that makes the folder a journal comes last,
// and the file staged.RestoreMark is there until then: a node refuses a folder with this file and without a journal,
// and the next Run begins anew. So no folder of an interrupted restore passes for a whole one. Files are copied and
// never linked, because a node writes again to the log that it finds.
//
// Run uses one goroutine.
package restore
