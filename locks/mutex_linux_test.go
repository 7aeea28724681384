package locks_test

func holdMutex() int { return 1 }
func setEvent() int  { return 1 }
