package staff

// RoleIn reads a provider's words.
var RoleIn = roleIn
